"""Where each file of a model is: in a DVC remote, in a folder of one, or in Git itself."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from studio_action import signed_url
from studio_action.artifact import RemoteFile
from studio_action.digest import Digest
from studio_action.download.base import Downloader, Progress
from studio_action.download.hashing import digests_of_file
from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo import dvcfiles
from studio_action.gitrepo.dvcfiles import Content, InGit, Stored, StoredFolder
from studio_action.gitrepo.remotes.base import Place, Remote, key_of
from studio_action.gitrepo.remotes.config import Config, ConfigFile, Settings
from studio_action.gitrepo.remotes.opening import Opener, config_files
from studio_action.gitrepo.repository import Revision
from studio_action.paths import check_path
from studio_action.text import printable

CONFIG = ".dvc/config"
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around a repository here.

    `checkout` is a checkout of it, whose `config.local` and relative paths count; `scratch` is a
    folder for as long as the files are needed; `environ` is the job's.
    """

    open_remote: Opener
    downloader: Downloader
    scratch: Path
    environ: Mapping[str, str] = field(repr=False)
    checkout: Path | None
    utc: Callable[[], datetime]


class Whereabouts:
    """Tells where the files of one revision are; the remotes' URLs are signed as of now.

    `manifests` keeps the manifests of folders, by digest, from one time to the next.
    """

    def __init__(
        self,
        revision: Revision,
        folder: str,
        surroundings: Surroundings,
        manifests: dict[Digest, bytes],
    ) -> None:
        self._revision, self._around = revision, surroundings
        self._manifests = manifests
        self._top = _top(revision, folder)
        self._config = _config(revision, self._top, surroundings)
        self._now = surroundings.utc()
        self._remotes: dict[str, tuple[Settings, Remote]] = {}

    def of(self, contents: Collection[Content]) -> tuple[RemoteFile, ...]:
        """Every file of `contents`, in the order of their paths.

        Raises what remotes raise, and what `dvcfiles.members` and the downloader raise.
        """
        of_git = {content.path for content in contents if isinstance(content, InGit)}
        self._revision.fetch(of_git.__contains__)
        files = [file for content in contents for file in self._files(content)]
        for file in files:
            check_path(file.path)
        return tuple(sorted(files, key=lambda file: file.path))

    def _files(self, content: Content) -> Iterator[RemoteFile]:
        match content:
            case Stored():
                yield self._stored(content)
            case StoredFolder():
                manifest = self._manifest(content)
                yield from map(self._stored, dvcfiles.members(content, manifest))
            case InGit():
                yield self._in_git(content)

    def _stored(self, stored: Stored) -> RemoteFile:
        place = self._place(stored)
        return RemoteFile(
            stored.path,
            place.url,
            stored.size,
            stored.digest,
            signed_url.expiry(place.url),
            place.headers,
            stored.executable,
        )

    def _place(self, stored: Stored) -> Place:
        if stored.remote not in self._remotes:
            settings = self._config.remote(stored.remote)
            opened = self._around.open_remote(settings, self._now)
            self._remotes[stored.remote] = settings, opened
        settings, remote = self._remotes[stored.remote]
        seen = replace(stored, path=posixpath.relpath(stored.path, self._top or "."))
        key = key_of(seen, worktree=settings.flag("worktree"))
        return remote.place(key, stored.version_id)

    def _manifest(self, folder: StoredFolder) -> bytes:
        """The manifest of a folder; its bytes are checked like those of any file."""
        if folder.digest not in self._manifests:
            stored = Stored(f"{folder.path}.dir", folder.digest, remote=folder.remote)
            (fetched,) = self._around.downloader.fetch(
                [self._stored(stored)],
                renew=lambda: {stored.path: self._place(stored).url},
                progress=_Silent(),
            )
            self._manifests[folder.digest] = fetched.partial.read_bytes()
            fetched.partial.unlink()
        return self._manifests[folder.digest]

    def _in_git(self, file: InGit) -> RemoteFile:
        place = self._around.scratch / self._revision.entries[file.path].name
        place.parent.mkdir(parents=True, exist_ok=True)
        self._revision.save(file.path, place)
        with place.open("rb") as content:
            if content.read(len(_POINTER)) == _POINTER:
                raise UnexpectedAnswer(
                    f"{printable(file.path, 300)!r} is in Git LFS, and Git has a pointer alone",
                    "Track it with DVC, or fetch it with git lfs",
                )
        found = digests_of_file(place, Digest("md5", ""))
        return RemoteFile(
            file.path,
            place.as_uri(),
            found.size,
            Digest("md5", found.md5),
            executable=file.executable,
        )


class _Silent(Progress):
    """Manifests are small: nobody waits for them."""

    def expect(self, size: int) -> None:
        pass

    def advance(self, size: int) -> None:
        pass

    def finish(self) -> None:
        pass


def _top(revision: Revision, folder: str) -> str:
    """The folder that DVC was initialised in: at or above the model's `folder`, '' the root."""
    parents = [str(each) for each in (PurePosixPath(folder), *PurePosixPath(folder).parents)]
    tops = ("" if each == "." else each for each in parents)
    return next((top for top in tops if posixpath.join(top, CONFIG) in revision.entries), "")


def _config(revision: Revision, top: str, around: Surroundings) -> Config:
    path = posixpath.join(top, CONFIG)
    beside = around.checkout / top / ".dvc" if around.checkout else None
    committed = [
        ConfigFile(path, content.decode("utf-8", "replace"), beside)
        for content in revision.read([path]).values()
    ]
    return Config.read(config_files(around.environ, committed, beside))
