"""What a revision's files say about a model: where it is and what keeps its bytes. Pure.

DVC's files: `dvc.yaml` (https://dvc.org/doc/user-guide/project-structure/dvcyaml-files), its
`dvc.lock`, and `*.dvc` (https://dvc.org/doc/user-guide/project-structure/dvc-files).
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from studio_action import bounded_json
from studio_action.artifact import ModelName
from studio_action.digest import Digest
from studio_action.errors import ContentMismatch, NoSuchModel, ObjectMissing, UnexpectedAnswer
from studio_action.gitrepo.documents import Node, read_json
from studio_action.gitrepo.imports import Import
from studio_action.gitrepo.tracked import (
    PIPELINE,
    Output,
    holder,
    is_content,
    is_in,
    near,
    read_digest,
    read_file,
    read_outputs,
    tells_outputs,
    under,
)
from studio_action.paths import check_path
from studio_action.text import printable, redact

_EXECUTABLE, _LINK, _SUBMODULE = 0o100755, 0o120000, 0o160000
_OLD_ANNOTATIONS = "artifacts.yaml"
_MOST_NAMES = 20
LARGEST_MANIFEST = bounded_json.LARGEST
"""Bytes of a folder's list of files; that of 500,000 files stays below."""
MOST_MEMBERS = 500_000


class Files(Protocol):
    """The files of one revision of a repository."""

    @property
    def revision(self) -> str:
        """The commit; only shown."""
        ...

    def modes(self) -> Mapping[str, int]:
        """Git's mode of every file by its path, e.g. `0o100755` (`git ls-tree -r`)."""
        ...

    def read(self, paths: Collection[str]) -> Mapping[str, bytes]:
        """The content of files that are there, by path; they are asked for in one go."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that a DVC remote holds.

    `path` is POSIX, relative to the repository's root; `size` is in bytes; `remote` is the name
    of the remote, '' for the default one. The remote keeps the file under its `digest`, or, where
    there is a `version_id`, at its own path. What is not `pushed`, it cannot have.
    """

    path: str
    digest: Digest | None
    size: int | None = None
    executable: bool = False
    remote: str = ""
    version_id: str = ""
    pushed: bool = True


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """A folder whose members a DVC remote lists in a manifest, kept under `digest`.

    Only what is at or below `wanted` (the folder's `path`, or one inside it) belongs to the model;
    `size` is that of the whole folder.
    """

    path: str
    digest: Digest
    wanted: str
    size: int | None = None
    remote: str = ""
    pushed: bool = True


@dataclass(frozen=True, slots=True)
class InGit:
    """A file that the repository itself holds."""

    path: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """A file or folder that another repository keeps, which `dvc import` brought to `path`.

    Only what is at or below `wanted` belongs to the model. `digest` and `size` are those of all
    of it, None where they are not told.
    """

    path: str
    source: Import
    wanted: str
    digest: Digest | None = None
    size: int | None = None


Content = Stored | StoredFolder | InGit | Imported


def path_of(model: ModelName, files: Files) -> str:
    """The model's path in the repository: a file or a folder, as `dvc.yaml` annotates it.

    Raises `NoSuchModel` where it is not annotated, `UnexpectedAnswer` where that cannot be read.
    """
    annotated = _annotated(model.folder, files)
    if model.name not in annotated:
        home = posixpath.join(model.folder, PIPELINE)
        raise NoSuchModel(
            f"model {model} is not annotated in {home} at {files.revision[:7]}", _known(annotated)
        )
    node = annotated[model.name].get("path")
    if not node.text():
        raise NoSuchModel(f"{node.place} is not given", "No file can be had of a model without it")
    return _inside(model.folder, node)


def _annotated(folder: str, files: Files) -> Mapping[str, Node]:
    """The annotations by name; GTO had a file of its own for them before DVC took them in."""
    home = posixpath.join(folder, PIPELINE)
    there = files.read([home] if folder else [home, _OLD_ANNOTATIONS])
    found: dict[str, Node] = {}
    if _OLD_ANNOTATIONS in there:
        old = read_file(_OLD_ANNOTATIONS, there[_OLD_ANNOTATIONS], files.revision)
        found.update(old.mapping())
    if home in there:
        pipeline = read_file(home, there[home], files.revision)
        found.update(pipeline.get("artifacts").mapping())
    return found


def _known(annotated: Collection[str]) -> str:
    if not annotated:
        return "Nothing is annotated there"
    names = [printable(name, 100) for name in sorted(annotated)]
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"Annotated there: {', '.join(names[:_MOST_NAMES])}{rest}"


def _inside(folder: str, node: Node) -> str:
    if "${" in node.text():
        raise node.wrong("is a template, which only DVC can fill in")
    path = under(folder, node.text())
    if not path:
        shown = printable(redact(node.text()), 200)
        raise node.wrong(f"is no file or folder of the repository: {shown!r}")
    return path


def contents(path: str, files: Files) -> tuple[Content, ...]:
    """All that makes up the file or folder at `path`, in the order of their paths.

    Raises `ObjectMissing` where neither DVC nor Git has anything there, `UnexpectedAnswer` where
    DVC's files cannot be read.
    """
    modes = files.modes()
    if path in modes:
        return (_in_git(path, modes[path]),)
    output = holder(path, _outputs(files, near(path)))
    if output is None:  # rare, and slower where the files must be fetched first
        everything = _outputs(files, filter(tells_outputs, modes))
        output = holder(path, everything)
    if output is None:
        return _of_folder(path, everything, files)
    return tuple(_of_output(output, path, modes))


def _outputs(files: Files, names: Iterable[str]) -> list[Output]:
    return list(read_outputs(files.read(list(names)), files.revision))


def _of_folder(path: str, outputs: list[Output], files: Files) -> tuple[Content, ...]:
    """A folder that is not tracked itself: what is tracked inside it, and what Git has there."""
    modes = files.modes()
    inside = [it for it in outputs if it.cached and is_in(it.path, path) and it.path not in modes]
    parts = [part for output in inside for part in _of_output(output, output.path, modes)]
    parts += [part for part in _below(path, modes) if is_content(part.path)]
    if not parts:
        raise ObjectMissing(
            f"neither DVC nor Git has {printable(path, 200)} at {files.revision[:7]}",
            "Is it tracked, and was its .dvc file or dvc.lock committed?",
        )
    return tuple(sorted(parts, key=lambda part: part.path))


def _of_output(output: Output, wanted: str, modes: Mapping[str, int]) -> list[Content]:
    """What there is of `wanted`, which is `output` or inside it."""
    if output.imported is not None and output.cached:
        whole = output.kept()
        return [Imported(output.path, output.imported, wanted, whole.digest, whole.size)]
    found: list[Content] = []
    found += _kept(output, wanted) if output.cached else _below(wanted, modes)
    if not found:
        raise _nothing_told(output, wanted)
    return found


def _kept(output: Output, wanted: str) -> Iterator[Stored | StoredFolder]:
    files = {posixpath.join(output.path, name): it for name, it in output.members().items()}
    whole = output.kept()
    if not files and whole.digest is not None and whole.digest.hex.endswith(".dir"):
        yield StoredFolder(
            output.path, whole.digest, wanted, whole.size, whole.remote, output.pushed
        )
        return
    for path, it in sorted((files or {output.path: whole}).items()):
        if is_in(path, wanted):
            if it.digest is None and not it.version_id:
                raise _nothing_told(output, path)
            check_path(path)
            yield Stored(
                path, it.digest, it.size, it.executable, it.remote, it.version_id, output.pushed
            )


def _nothing_told(output: Output, path: str) -> ObjectMissing:
    return ObjectMissing(
        f"{output.node.place} tells no content of {printable(path, 200)}",
        "Was it made, and committed with DVC and then with Git?",
    )


def _below(path: str, modes: Mapping[str, int]) -> Iterator[InGit]:
    return (_in_git(name, mode) for name, mode in sorted(modes.items()) if is_in(name, path))


def _in_git(path: str, mode: int) -> InGit:
    if mode in (_LINK, _SUBMODULE):
        kind = "a symbolic link" if mode == _LINK else "a submodule"
        raise UnexpectedAnswer(f"{printable(path, 200)} is {kind} in Git, which is not followed")
    return InGit(path, executable=mode == _EXECUTABLE)


def members(folder: StoredFolder, manifest: bytes) -> tuple[Stored, ...]:
    """The wanted files of `folder`, from its manifest.

    Raises `ContentMismatch` where the manifest does not match the folder's digest,
    `UnexpectedAnswer` where it cannot be read or has an unsafe path, `ObjectMissing` where
    nothing wanted is in it.
    """
    place = f"the list of the files in {printable(folder.path, 200)}"
    got = hashlib.md5(manifest, usedforsecurity=False).hexdigest() + ".dir"
    if got != folder.digest.hex:
        raise ContentMismatch(f"{place} has the MD5 {got}, not {folder.digest.hex}")
    entries = read_json(place, manifest).sequence()
    if len(entries) > MOST_MEMBERS:
        raise UnexpectedAnswer(f"{place} has {len(entries)} entries, more than {MOST_MEMBERS}")
    files = [_member(folder, entry) for entry in entries]
    wanted = tuple(file for file in files if is_in(file.path, folder.wanted))
    if not wanted:
        raise ObjectMissing(f"{printable(folder.wanted, 200)} is not in {place}")
    return wanted


def _member(folder: StoredFolder, entry: Node) -> Stored:
    path = posixpath.join(folder.path, entry.get("relpath").text())
    check_path(path)
    digest = read_digest(entry.get("md5"), folder.digest.algorithm)
    if digest is None:
        raise entry.wrong("has no MD5")
    return Stored(path, digest, remote=folder.remote, pushed=folder.pushed)
