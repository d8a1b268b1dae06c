"""Files of a DVC remote that is a folder of this machine: copied, and checked.

A stranger may have named the folder. So a file without a digest is refused, and the digest is
always checked: no other file can be read this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio_action.download.base import Downloader, Fetched, Progress, Renew
from studio_action.download.checksums import (
    Digests,
    StorageMetadata,
    difference,
    digests_of_file,
    verification,
)
from studio_action.download.copying import Check, copy, each
from studio_action.errors import ContentMismatch, ObjectMissing, UnexpectedAnswer
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Deadline
from studio_action.text import printable
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import refused


@dataclass(frozen=True, slots=True)
class LocalDownloader:
    """Copies what a `file:` URL names; `inner` fetches the rest.

    Copies wait in `folder` until they are moved away. Implements `base.Downloader`.
    """

    inner: Downloader
    folder: Path
    deadline: Deadline

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """Return all files, copied or downloaded, in the order asked for."""
        here = [(number, file) for number, file in enumerate(files) if file.local_path]
        copies = each(self._copy, here, self.deadline)
        for fetched in copies:
            progress.expect(fetched.size)
            progress.advance(fetched.size)
            progress.finish()
        there = [file for file in files if not file.local_path]
        got = self.inner.fetch(there, renew=renew, progress=progress) if there else []
        of_here, of_there = iter(copies), iter(got)
        return [next(of_here if file.local_path else of_there) for file in files]

    def _copy(self, wanted: tuple[int, RemoteFile], check: Check) -> Fetched:
        number, file = wanted
        source, to = file.local_path, self.folder / f"local-{number}"
        assert source is not None  # or it would be downloaded
        if file.digest is None:
            raise UnexpectedAnswer(
                f"{printable(file.path, 300)!r} is in a local folder and has no digest",
                "A local remote gives only files with a digest: push the model with `dvc push`",
            )
        file.check_size(regular_files.size(source) or 0)
        try:
            copy(source, to, check)
            found = digests_of_file(to, file.digest, check)
        except (FileNotFoundError, NotADirectoryError):
            raise ObjectMissing(
                f"{printable(file.path, 300)!r} is missing from its remote, a local folder",
                f"{file.remedy}, or mount the folder",
            ) from None
        except OSError as error:
            raise refused("a file of a remote cannot be copied", source, error) from error
        return self._checked(file, to, found)

    def _checked(self, file: RemoteFile, to: Path, found: Digests) -> Fetched:
        metadata = StorageMetadata(size_announced=True)
        how = verification(file, metadata, found, "auto")
        if how is None:
            to.unlink()
            raise ContentMismatch(
                f"{printable(file.path, 300)!r} does not match:"
                f" {difference(file, metadata, found)}",
                "The remote has other content under this name: push the model again",
            )
        return Fetched(file, to, found.size, found.md5, found.sha256, how, found.size)
