"""A cache of content that jobs on one runner share, laid out as DVC lays out its own.

An object lies at `files/md5/ab/cdef…`, text of DVC 2 at `ab/cdef…` (dvc-data, `hashfile/db`), so
`.dvc/cache` of a checkout is one, too. Objects appear whole, by a rename, so that any number of
jobs may fill the cache at once. What is taken out is a copy, which shares blocks where the file
system can: whoever writes to a file in the workspace does not change the cache. A hard link would
not hold that, since root may write to any file. Each copy is checked; a damaged object is thrown
away.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from studio_action.artifact import RemoteFile
from studio_action.digest import Digest
from studio_action.download.base import Downloader, Fetched, Progress, Renew
from studio_action.download.hashing import digests_of_file
from studio_action.errors import WorkspaceRefused
from studio_action.workspace import Workspace, refused

COPIES = 4
"""Files that are copied and checked at a time."""

_PROTECTED = 0o444
_FICLONE = 0x40049409  # linux/fs.h: let the target share the source's blocks


@dataclass(frozen=True, slots=True)
class Cache:
    """The objects in one folder."""

    folder: Workspace

    @classmethod
    def at(cls, folder: Path) -> Cache:
        """The cache at `folder`, which is made if it is missing."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused("cache-dir cannot be made", folder, error) from error
        return cls(Workspace.at(folder))

    def place(self, digest: Digest) -> Path:
        """Where the object with this digest lies, if it is there."""
        top = self.folder.root / "files/md5" if digest.algorithm == "md5" else self.folder.root
        return top / digest.hex[:2] / digest.hex[2:]

    def take(self, file: RemoteFile, to: Path) -> Fetched | None:
        """Put a checked copy of the file's content at `to`; None where the cache has none."""
        if file.digest is None:
            return None
        place = self.place(file.digest)
        try:
            copy(place, to)
            found = digests_of_file(to, file.digest)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refused("an object of the cache cannot be copied", place, error) from error
        if found.stored_as != file.digest:
            to.unlink()
            with suppress(OSError):  # a cache that is read-only keeps it, and nobody uses it
                place.unlink()
            return None
        return Fetched(file, to, found.size, found.md5, found.sha256, found.rule, 0, "cache")

    def add(self, fetched: Fetched) -> None:
        """Keep a copy of a file that was verified, unless it is there; raise `WorkspaceRefused`."""
        digest = fetched.file.digest
        if digest is None or fetched.verified not in ("md5", "md5-dos2unix"):
            return
        place = self.place(digest)
        if place.exists():
            return
        with self.folder.folder(place.parent) as folder:
            beside = f".{secrets.token_hex(8)}.studio-action"
            try:
                copy(fetched.partial, place.with_name(beside))
                os.chmod(beside, _PROTECTED, dir_fd=folder)
                self.folder.give(place.with_name(beside))
                os.replace(beside, place.name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(beside, dir_fd=folder)
                raise


@dataclass(frozen=True, slots=True)
class CachedDownloader:
    """Takes from the cache what it has, and adds what had to be downloaded.

    Copies wait in `folder` until they are moved away. Implements `base.Downloader`.
    """

    cache: Cache
    inner: Downloader
    folder: Path
    say: Callable[[str], None]

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """All files, in the order asked for, from the cache or from storage."""
        with ThreadPoolExecutor(COPIES) as threads:
            places = (self.folder / str(number) for number in range(len(files)))
            hits = list(threads.map(self.cache.take, files, places))
        missing = [file for file, hit in zip(files, hits, strict=True) if hit is None]
        if len(missing) < len(files):
            self.say(f"{len(files) - len(missing)} of {len(files)} from the cache")
        got = self.inner.fetch(missing, renew=renew, progress=progress) if missing else []
        self._keep(got)
        rest = iter(got)
        return [hit or next(rest) for hit in hits]

    def _keep(self, got: Sequence[Fetched]) -> None:
        """Fill the cache; that it cannot be filled is no reason for a download to fail."""
        try:
            with ThreadPoolExecutor(COPIES) as threads:
                list(threads.map(self.cache.add, got))
        except WorkspaceRefused as error:
            self.say(f"The cache is not filled: {error}")


def copy(source: Path, target: Path) -> None:
    """Make `target` a copy of its own, sharing blocks where the file system can."""
    with source.open("rb", buffering=0) as whole, target.open("wb", buffering=0) as made:
        try:
            fcntl.ioctl(made.fileno(), _FICLONE, whole.fileno())
        except OSError:
            shutil.copyfileobj(whole, made, 1 << 20)
