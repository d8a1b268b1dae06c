"""A cache of content that jobs on one runner share, with the layout of DVC's own.

An object lies at `files/md5/ab/cdef…`, text of DVC 2 at `ab/cdef…` (dvc-data, `hashfile/db`), so
`.dvc/cache` of a checkout is one, too. Objects appear whole, by a rename, so any number of jobs
may fill the cache at once. A file in the workspace is a copy, which shares blocks where the file
system can, so that writing to it does not change the cache. A read-only hard link would not do:
root may write to any file. Each copy is checked. A damaged object is removed, and so is anything
that is not a regular file: all of DVC's objects are.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from studio_action.download.base import Downloader, Fetched, Progress, Renew
from studio_action.download.checksums import digests_of_file
from studio_action.download.copying import Check, copy, each
from studio_action.errors import WorkspaceRefused
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.net.clock import Deadline
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import Workspace, refused

_PROTECTED = 0o444


@dataclass(frozen=True, slots=True)
class Cache:
    """The objects in one folder."""

    folder: Workspace

    @classmethod
    def at(cls, folder: Path) -> Cache:
        """Open the cache at `folder`, which is made if it is missing; raise `WorkspaceRefused`."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused("cache-dir cannot be made", folder, error) from error
        return cls(Workspace.at(folder))

    def path(self, digest: Digest) -> Path:
        """Return where the object with this digest lies, if it is there."""
        top = self.folder.root / "files/md5" if digest.algorithm == "md5" else self.folder.root
        return top / digest.hex[:2] / digest.hex[2:]

    def take(self, file: RemoteFile, to: Path, check: Check) -> Fetched | None:
        """Put a checked copy of the file's content at `to`; return None if the cache has none.

        Raise `WorkspaceRefused`, and what `check` raises.
        """
        if file.digest is None:
            return None
        place = self.path(file.digest)
        if file.largest is not None and (regular_files.size(place) or 0) > file.largest:
            return None
        try:
            copy(place, to, check)
            found = digests_of_file(to, file.digest, check)
        except FileNotFoundError:
            return None
        except regular_files.NotRegular:
            _remove(place)
            return None
        except OSError as error:
            raise refused("an object of the cache cannot be copied", place, error) from error
        if found.stored_as != file.digest:
            to.unlink()
            _remove(place)
            return None
        return Fetched(file, to, found.size, found.md5, found.sha256, found.rule, 0, "cache")

    def add(self, fetched: Fetched, check: Check) -> None:
        """Add a copy of a file that was verified by its digest, unless it is there.

        Raise `WorkspaceRefused`, and what `check` raises.
        """
        digest = fetched.file.digest
        if digest is None or fetched.verified not in ("md5", "md5-dos2unix"):
            return
        place = self.path(digest)
        if regular_files.size(place) is not None:
            return
        with self.folder.folder(place.parent) as folder:
            beside = f".{secrets.token_hex(8)}.studio-action"
            try:
                copy(fetched.partial, place.with_name(beside), check)
                folder.chmod(beside, _PROTECTED)
                self.folder.give(place.with_name(beside))
                folder.rename(beside, place.name)
            except BaseException:
                with suppress(OSError):
                    folder.unlink(beside)
                raise


@dataclass(frozen=True, slots=True)
class CachedDownloader:
    """Takes files from the cache; lets `inner` download the rest, and adds it to the cache.

    Copies wait in `folder` until they are moved away. Implements `base.Downloader`.
    """

    cache: Cache
    inner: Downloader
    folder: Path
    say: Callable[[str], None]
    deadline: Deadline

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """Return all files, from the cache or from storage, in the order asked for."""
        hits = each(self._take, list(enumerate(files)), self.deadline)
        missing = [file for file, hit in zip(files, hits, strict=True) if hit is None]
        if len(missing) < len(files):
            self.say(f"{len(files) - len(missing)} of {len(files)} from the cache")
        got = self.inner.fetch(missing, renew=renew, progress=progress) if missing else []
        self._keep(got)
        rest = iter(got)
        return [hit or next(rest) for hit in hits]

    def _take(self, wanted: tuple[int, RemoteFile], check: Check) -> Fetched | None:
        number, file = wanted
        return self.cache.take(file, self.folder / str(number), check)

    def _keep(self, got: Sequence[Fetched]) -> None:
        """Add files to the cache; if that is impossible, the download does not fail."""
        try:
            each(self.cache.add, got, self.deadline)
        except WorkspaceRefused as error:
            self.say(f"The cache is not filled: {error}")


def _remove(place: Path) -> None:
    """Remove a damaged object if possible; nobody uses it."""
    with suppress(OSError):
        if place.is_dir() and not place.is_symlink():
            place.rmdir()
        else:
            place.unlink()
