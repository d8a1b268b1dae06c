"""Which files of a model are wanted and where each lands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Literal

from studio_action.errors import PolicyRefused, WorkspaceRefused
from studio_action.model.artifact import RemoteFile, Resolution
from studio_action.model.digest import Digest, folder_digest
from studio_action.model.paths import common_root, find_clash
from studio_action.model.windows_names import Flavour, fault_of
from studio_action.text import first_few

Layout = Literal["repo", "model", "flat"]
NO_MD5S: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Placement:
    """One file and the path, relative to `dest`, at which it is to land."""

    file: RemoteFile
    target: PurePosixPath


@dataclass(frozen=True, slots=True)
class Filters:
    """Globs on the path in the repository, read as in `.gitignore`; no `include` means all."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)

    def select(self, files: Sequence[RemoteFile]) -> tuple[RemoteFile, ...]:
        """Return the files that pass, in order; raise `PolicyRefused` if none does."""
        if not self:
            return tuple(files)
        from pathspec import PathSpec  # late: few steps filter

        include = PathSpec.from_lines("gitignore", self.include or ("*",))
        exclude = PathSpec.from_lines("gitignore", self.exclude)
        chosen = tuple(
            file
            for file in files
            if include.match_file(file.path) and not exclude.match_file(file.path)
        )
        if not chosen:
            raise PolicyRefused(
                f"none of the model's {len(files)} files matches include and exclude",
                f"The first file is {files[0].path!r}",
            )
        return chosen


def root_of(resolution: Resolution) -> str:
    """Return the model's path: the registry's, else what the paths of all files have in common."""
    if resolution.root is not None:
        return resolution.root
    return common_root(file.path for file in resolution.files)


def place(
    files: Sequence[RemoteFile], layout: Layout, root: str, flavour: Flavour = "posix"
) -> tuple[Placement, ...]:
    """Return where each file goes.

    Raise `WorkspaceRefused` if two would have one path, or for a name that is none on a file
    system of that `flavour`.
    """
    placements = tuple(Placement(file, target(file.path, layout, root)) for file in files)
    for placement in placements:
        if fault := fault_of(str(placement.target), flavour):
            raise WorkspaceRefused(
                f"{str(placement.target)!r} cannot be placed: {fault}",
                "Exclude it, or use a runner with Linux or macOS",
            )
    pair = find_clash(str(placement.target) for placement in placements)
    if pair:
        raise WorkspaceRefused(
            f"two files cannot both be placed: {pair[0]!r} and {pair[1]!r} (layout {layout})",
            "Use layout: repo, or exclude one of them",
        )
    return placements


def target(path: str, layout: Layout, root: str) -> PurePosixPath:
    """Return where a file of a model at `root` goes, relative to `dest`."""
    whole = PurePosixPath(path)
    match layout:
        case "repo":
            return whole
        case "flat":
            return PurePosixPath(whole.name)
        case "model":
            return PurePosixPath(whole.name) if path == root else whole.relative_to(root)


def model_path(placements: Sequence[Placement], layout: Layout, root: str) -> PurePosixPath:
    """Return the path of the model's file or folder, relative to `dest`."""
    if len(placements) == 1 and placements[0].file.path == root:
        return placements[0].target
    return PurePosixPath(root) if layout == "repo" else PurePosixPath()


def digest_of(
    files: Sequence[RemoteFile], root: str, md5s: Mapping[str, str] = NO_MD5S
) -> Digest | None:
    """Return DVC's digest of the file or folder `root`; None if one file's digest is unknown.

    `md5s`, by path, are those of bytes that were read, for files whose URL told nothing.
    """
    known: dict[str, Digest] = {}
    for file in files:
        digest = file.digest or (Digest("md5", md5s[file.path]) if file.path in md5s else None)
        if digest is None:
            return None
        known[file.path] = digest
    if list(known) == [root]:
        return known[root]
    prefix = f"{root}/" if root else ""
    return folder_digest((path.removeprefix(prefix), each.hex) for path, each in known.items())


def require_digests(files: Sequence[RemoteFile]) -> None:
    """Raise `PolicyRefused` if a file could not be verified (`verify: require`)."""
    unknown = [repr(file.path) for file in files if file.digest is None]
    if unknown:
        raise PolicyRefused(
            f"verify is 'require', but the digest is unknown for {first_few(unknown, 1)}",
            "Its remote does not store files by digest; use verify: auto",
        )


def require_one_file(files: Sequence[RemoteFile]) -> None:
    """Raise `PolicyRefused` if there are several files (`expected-sha256` is that of one)."""
    if len(files) > 1:
        raise PolicyRefused(
            f"expected-sha256 is for one file, but the download has {len(files)} files",
            "Choose one file with include, or use require-signature for all of them",
        )
