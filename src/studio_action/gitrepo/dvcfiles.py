"""What a revision's files say about a model: where it is and what keeps its bytes. Pure.

DVC's files: `dvc.yaml` (https://dvc.org/doc/user-guide/project-structure/dvcyaml-files), its
`dvc.lock`, and `*.dvc` (https://dvc.org/doc/user-guide/project-structure/dvc-files).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from studio_action.artifact import ModelName
from studio_action.digest import Digest


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
    there is a `version_id`, at its own path.
    """

    path: str
    digest: Digest | None
    size: int | None = None
    executable: bool = False
    remote: str = ""
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """A folder whose members a DVC remote lists in a manifest, kept under `digest`.

    Only what is at or below `wanted` (the folder's `path`, or one inside it) belongs to the model.
    """

    path: str
    digest: Digest
    wanted: str
    size: int | None = None
    remote: str = ""


@dataclass(frozen=True, slots=True)
class InGit:
    """A file that the repository itself holds."""

    path: str
    executable: bool = False


Content = Stored | StoredFolder | InGit


def path_of(model: ModelName, files: Files) -> str:
    """The model's path in the repository: a file or a folder, as `dvc.yaml` annotates it.

    Raises `NoSuchModel` where it is not annotated, `UnexpectedAnswer` where that cannot be read.
    """
    raise NotImplementedError


def contents(path: str, files: Files) -> tuple[Content, ...]:
    """All that makes up the file or folder at `path`, in the order of their paths.

    Raises `ObjectMissing` where neither DVC nor Git has anything there, `UnexpectedAnswer` where
    DVC's files cannot be read.
    """
    raise NotImplementedError


def members(folder: StoredFolder, manifest: bytes) -> tuple[Stored, ...]:
    """The wanted files of `folder`, from its manifest.

    Raises `ContentMismatch` where the manifest does not match the folder's digest,
    `UnexpectedAnswer` where it cannot be read or has an unsafe path, `ObjectMissing` where
    nothing wanted is in it.
    """
    raise NotImplementedError
