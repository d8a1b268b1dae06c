"""Files of storages that are read over a connection of their own, as ssh's: the second downloader.

Each file is read by a thread, from its start on, over a connection that the files of one storage
share; the caller's thread watches them, and tries again what may come after all. A thread that
hangs in a library is left behind: it can write no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import cast

from studio_action.download.base import (
    Downloader,
    DownloadOptions,
    Fetched,
    Progress,
    Renew,
    Verify,
)
from studio_action.download.filesystems import Filesystems, Home
from studio_action.download.opened import Opened
from studio_action.download.partials import Partials, boot_id
from studio_action.download.progress import ProgressReporter
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Limits


class ConnectedDownloader:
    """Reads what `filesystems` knows, and leaves the rest to `inner`; implements `base.Downloader`.

    Use it as a context manager, and move the files away before it ends, as with `Transfer`: what
    is not moved away waits below `folder` for the next run.
    """

    def __init__(
        self,
        inner: Downloader,
        filesystems: Filesystems,
        folder: Path,
        *,
        limits: Limits,
        verify: Verify,
        max_connections: int = 16,
    ) -> None:
        self._inner, self._filesystems, self._folder = inner, filesystems, folder
        self._options = DownloadOptions(limits, verify, max_connections)
        self._opened = Opened(limits.timeout)
        self._partials: Partials | None = None

    def __enter__(self) -> ConnectedDownloader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()
        if self._partials is not None:
            self._partials.close()

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """Return all files, verified, in the order asked for. See `base.Downloader`."""
        homes = [self._filesystems.find(file.url) for file in files]
        ours = [(file, home) for file, home in zip(files, homes, strict=True) if home]
        theirs = [file for file, home in zip(files, homes, strict=True) if not home]
        read = iter(self._read(ours, progress) if ours else ())
        rest = iter(self._inner.fetch(theirs, renew=renew, progress=progress) if theirs else ())
        return [next(read if home else rest) for home in homes]

    def _read(self, files: Sequence[tuple[RemoteFile, Home]], progress: Progress) -> list[Fetched]:
        from studio_action.download.watching import Reading, Watch  # late: few downloads need it

        if self._partials is None:
            self._partials = Partials(self._folder, boot=boot_id())
        reading = [Reading(file, home) for file, home in files]
        reporter = ProgressReporter(progress, lambda each: cast(Reading, each).file.path)
        return Watch(reading, self._partials, self._opened, self._options, reporter).run()
