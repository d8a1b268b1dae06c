"""A downloader that is started when the first file is to be fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType

from studio_action.download.base import Downloader, Fetched, Progress, Renew
from studio_action.model.artifact import RemoteFile


class DeferredDownloader:
    """Starts a downloader by `start` at the first fetch, and ends it; a `base.Downloader` itself.

    A run that is refused, or finds all files there, starts none; and what it needs may be imported
    while the registry is asked.
    """

    def __init__(self, start: Callable[[], AbstractContextManager[Downloader]]) -> None:
        self._start = start
        self._started: Downloader | None = None
        self._stack = ExitStack()

    def __enter__(self) -> DeferredDownloader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return self._stack.__exit__(kind, error, traceback)

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """Return all files, verified, in the order asked for. See `base.Downloader`."""
        if self._started is None:
            self._started = self._stack.enter_context(self._start())
        return self._started.fetch(files, renew=renew, progress=progress)
