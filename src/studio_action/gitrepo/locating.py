"""What keeps each file of a model: an object of a DVC remote, or one of Git's own.

For one commit that is the same for ever. The URLs, which are good for an hour, are made of it
where somebody asks for them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from studio_action.artifact import ModelName
from studio_action.digest import Digest
from studio_action.download.hashing import digests_of_file
from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo import dvcfiles
from studio_action.gitrepo.dvcfiles import Content, InGit, Stored, StoredFolder
from studio_action.gitrepo.remotes.base import key_of
from studio_action.gitrepo.remotes.config import Config, Settings
from studio_action.gitrepo.repository import Revision
from studio_action.paths import check_path
from studio_action.text import printable

CONFIG = ".dvc/config"
_DVC_FILES = ("dvc.yaml", "dvc.lock", ".dvc", "artifacts.yaml", CONFIG)
"""How the paths of files end that tell what keeps a model."""
_POINTER = b"version https://git-lfs.github.com/spec/"


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
class Located:
    """A file of a model, `path` relative to the repository's root, and what keeps it.

    `size` is in bytes; what is not `pushed`, its remote cannot have.
    """

    path: str
    home: InRemote | InRepository
    size: int | None
    digest: Digest | None
    executable: bool
    pushed: bool = True


class Outside(Protocol):
    """What is needed besides the repository to tell where its files are."""

    @property
    def objects(self) -> Path:
        """The folder for contents that Git holds, each under its object's name."""
        ...

    def config(self, top: str, committed: str) -> Config:
        """DVC's configuration: `committed`, the text of it in the folder `top`, and what is said
        here.
        """
        ...

    def manifest(self, file: Located) -> bytes:
        """The content of a folder's manifest, which is small and may be checked again."""
        ...


def of_model(
    model: ModelName, revision: Revision, outside: Outside
) -> tuple[str, tuple[Located, ...]]:
    """The model's own path in the repository, and all its files in the order of their paths.

    Raises `BadInput` for a remote that is not set up, and what `dvcfiles` and `outside` raise.
    """
    revision.fetch(lambda path: path.endswith(_DVC_FILES))
    root = dvcfiles.path_of(model, revision)
    contents = dvcfiles.contents(root, revision)
    return root, _Locating(revision, model.folder, outside).of(contents)


class _Locating:
    def __init__(self, revision: Revision, folder: str, outside: Outside) -> None:
        self._revision, self._outside = revision, outside
        self._top = _top(revision, folder)
        path = config_path(self._top)
        committed = revision.read([path]).get(path, b"").decode("utf-8", "replace")
        self._config = outside.config(self._top, committed)
        self._settings: dict[str, Settings] = {}

    def of(self, contents: Collection[Content]) -> tuple[Located, ...]:
        of_git = {content.path for content in contents if isinstance(content, InGit)}
        self._revision.fetch(of_git.__contains__)
        files = [file for content in contents for file in self._files(content)]
        for file in files:
            check_path(file.path)
        return tuple(sorted(files, key=lambda file: file.path))

    def _files(self, content: Content) -> Iterator[Located]:
        match content:
            case Stored():
                yield self._stored(content)
            case StoredFolder():
                yield from map(self._stored, dvcfiles.members(content, self._manifest(content)))
            case InGit():
                yield self._in_git(content)

    def _stored(self, stored: Stored) -> Located:
        if stored.remote not in self._settings:
            self._settings[stored.remote] = self._config.remote(stored.remote)
        settings = self._settings[stored.remote]
        seen = replace(stored, path=posixpath.relpath(stored.path, self._top or "."))
        home = InRemote(
            settings, key_of(seen, worktree=settings.flag("worktree")), stored.version_id
        )
        return Located(
            stored.path, home, stored.size, stored.digest, stored.executable, stored.pushed
        )

    def _manifest(self, folder: StoredFolder) -> bytes:
        name = f"{folder.path}.dir"
        return self._outside.manifest(
            self._stored(Stored(name, folder.digest, remote=folder.remote, pushed=folder.pushed))
        )

    def _in_git(self, file: InGit) -> Located:
        name = self._revision.entries[file.path].name
        place = self._revision.objects.file(name, self._outside.objects)
        with place.open("rb") as content:
            if content.read(len(_POINTER)) == _POINTER:
                raise UnexpectedAnswer(
                    f"{printable(file.path, 300)!r} is in Git LFS, and Git has a pointer alone",
                    "Track it with DVC, or fetch it with git lfs",
                )
        found = digests_of_file(place, Digest("md5", ""))
        digest = Digest("md5", found.md5)
        return Located(file.path, InRepository(name), found.size, digest, file.executable)


def config_path(top: str) -> str:
    """Where the configuration is of the DVC that was initialised in the folder `top`."""
    return posixpath.join(top, CONFIG)


def _top(revision: Revision, folder: str) -> str:
    """The folder that DVC was initialised in: at or above the model's `folder`, '' the root."""
    parents = [str(each) for each in (PurePosixPath(folder), *PurePosixPath(folder).parents)]
    tops = ("" if each == "." else each for each in parents)
    return next((top for top in tops if config_path(top) in revision.entries), "")
