"""Files of this machine, as a folder is that serves as a DVC remote: copied, and checked."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from studio_action.artifact import RemoteFile
from studio_action.digest import Digest
from studio_action.download.base import Downloader, Fetched, Progress, Renew, Verify
from studio_action.download.cache import COPIES, copy
from studio_action.download.hashing import Digests, digests_of_file
from studio_action.download.verifying import Told, difference, verified
from studio_action.errors import ContentMismatch, ObjectMissing
from studio_action.text import printable
from studio_action.workspace import refused

_PLAIN = Digest("md5", "")
"""Asks for no more than the MD5 of the bytes as they are."""


@dataclass(frozen=True, slots=True)
class LocalDownloader:
    """Copies what a `file:` URL names, and leaves the rest to `inner`.

    Copies wait in `folder` until they are moved away. Implements `base.Downloader`.
    """

    inner: Downloader
    folder: Path
    verify: Verify

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """All files, in the order asked for, copied or downloaded."""
        here = [(file, file.here) for file in files if file.here]
        with ThreadPoolExecutor(COPIES) as threads:
            places = (self.folder / f"local-{number}" for number in range(len(here)))
            copies = list(threads.map(self._copy, here, places))
        for fetched in copies:
            progress.expect(fetched.size)
            progress.advance(fetched.size)
            progress.finish()
        there = [file for file in files if not file.here]
        got = self.inner.fetch(there, renew=renew, progress=progress) if there else []
        of_here, of_there = iter(copies), iter(got)
        return [next(of_here if file.here else of_there) for file in files]

    def _copy(self, wanted: tuple[RemoteFile, Path], to: Path) -> Fetched:
        file, source = wanted
        try:
            copy(source, to)
            found = digests_of_file(to, file.digest or _PLAIN)
        except (FileNotFoundError, NotADirectoryError):
            raise ObjectMissing(
                f"{printable(file.path, 300)!r} is not in its remote, a folder of this machine",
                f"{file.remedy}, or mount the folder",
            ) from None
        except OSError as error:
            raise refused("a file of a remote cannot be copied", source, error) from error
        return self._checked(file, to, found)

    def _checked(self, file: RemoteFile, to: Path, found: Digests) -> Fetched:
        told = Told(size=True, md5=None)
        how = verified(file, told, found, self.verify)
        if how is None:
            to.unlink()
            raise ContentMismatch(
                f"{printable(file.path, 300)!r} is not what it should be:"
                f" {difference(file, told, found)}",
                "The remote has other bytes under this name: push the model again",
            )
        return Fetched(file, to, found.size, found.md5, found.sha256, how, found.size)
