"""The answer to what keeps a file of a model, and what is asked meanwhile."""

from __future__ import annotations

import posixpath
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from studio_action.gitrepo.dvc.config import Config, Settings
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.git.revision import Revision
from studio_action.model.digest import Digest

CONFIG = ".dvc/config"


@dataclass(frozen=True, slots=True)
class InRemote:
    """The object at `key` of a remote; `version_id` as storages that keep versions count them."""

    settings: Settings
    key: str
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class InRepository:
    """A file of the repository itself, by the name of its Git object."""

    object: str


@dataclass(frozen=True, slots=True)
class AtUrl:
    """A file of the web, at a URL that anybody may ask for."""

    url: str


@dataclass(frozen=True, slots=True)
class LocatedFile:
    """A file of a model, `path` relative to the repository's root, and what keeps it.

    `size` is in bytes; what is not `pushed`, its remote cannot have. `repository` is the one that
    tells of it (see `RepositoryContext`). An `external` one is in no remote of DVC's;
    `etag` is what its storage called its content, if that is known.
    """

    path: str
    home: InRemote | InRepository | AtUrl
    size: int | None
    digest: Digest | None
    executable: bool
    pushed: bool = True
    repository: str = ""
    etag: str = ""
    external: bool = False


class RepositoryContext(Protocol):
    """What is needed besides the repository to tell where its files are."""

    @property
    def objects(self) -> Path:
        """The folder for contents that Git holds, each under its object's name."""
        ...

    @property
    def repository(self) -> str:
        """What this repository is called, to tell those apart that imports lead to."""
        ...

    def config(self, top: str, committed: str) -> Config:
        """Return DVC's configuration: `committed`, its text in the folder `top`, and what is said
        here.
        """
        ...

    def manifest(self, file: LocatedFile) -> bytes:
        """Return the content of a folder's manifest, which is small and may be checked again."""
        ...

    def imported(
        self, source: ImportSource
    ) -> AbstractContextManager[tuple[Revision, RepositoryContext]]:
        """Return the files of another repository, which is open meanwhile, and what is around them.

        Raises `BadInput` where an import may not lead there, and what `Git.run_remote` raises.
        """
        ...


def config_path(top: str) -> str:
    """Return where the configuration is of the DVC that was initialised in the folder `top`."""
    return posixpath.join(top, CONFIG)
