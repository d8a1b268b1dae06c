"""Download files over many connections, and verify them meanwhile.

Three kinds of threads share the work. The caller's thread asks the registry and reports progress;
a signal may interrupt it at any moment. One thread, the engine's, drives all connections and
writes. A few hash.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Literal, cast

from studio_action.download.base import DownloadOptions, Fetched, Progress, Renew, Verify
from studio_action.download.connections import Connections
from studio_action.download.engine import Engine
from studio_action.download.partials import Partials, boot_id
from studio_action.download.progress import ProgressReporter
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Limits
from studio_action.net.network import Network

REPORT = 0.1
"""Seconds between two reports of progress."""
PATIENCE = 1.0
"""Seconds that the threads get to end after a failure or a signal."""
MOST_HASHING = 8
"""Threads that hash: two for each large file, so that the MD5 of one, which nothing can hurry,
waits for no other thread of ours."""


def now_utc() -> datetime:
    """Return the time of day."""
    return datetime.now(timezone.utc)


class Transfer:
    """Fetches files into a folder of partial files; implements `base.Downloader`.

    Use it as a context manager, and move the files away before it ends: until then no other
    process touches them. What is not moved away is kept for the next run to continue.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits,
        network: Network,
        verify: Verify,
        max_connections: int = 16,
        utc: Callable[[], datetime] = now_utc,
    ) -> None:
        self._options = DownloadOptions(limits, verify, max_connections)
        self._network, self._utc = network, utc
        self._partials = Partials(folder, boot=boot_id())

    def __enter__(self) -> Transfer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._partials.close()

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """Return all files, verified, in the order asked for. See `base.Downloader`."""
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        connections = Connections(self._network, self._options.limits.timeout)
        hashers = ThreadPoolExecutor(MOST_HASHING)
        engine = Engine(
            files,
            partials=self._partials,
            threads=hashers,
            connections=connections,
            options=self._options,
            utc=self._utc,
            request_renewal=lambda: events.put("renew"),
        )
        thread = threading.Thread(
            target=_run_engine, args=(engine, connections, hashers, events), daemon=True
        )
        reporter = ProgressReporter(progress, lambda index: files[cast(int, index)].path)
        try:
            thread.start()
            while not isinstance(event := _next_event(events), _Finished):
                reporter.report(engine.totals)
                if event == "renew":
                    engine.renewed(renew())
        finally:
            engine.stop()
            thread.join(PATIENCE)
        if event.failure is not None:
            raise event.failure
        reporter.report(engine.totals)
        return [engine.fetched[index] for index in range(len(files))]


@dataclass(frozen=True, slots=True)
class _Finished:
    """The engine has ended and the connections are closed; `failure` if not all files came."""

    failure: BaseException | None


Event = Literal["renew"] | _Finished
"""From the engine's thread: new signed URLs are needed, or it has ended."""


def _next_event(events: queue.SimpleQueue[Event]) -> Event | None:
    try:
        return events.get(timeout=REPORT)
    except queue.Empty:
        return None


def _run_engine(
    engine: Engine,
    connections: Connections,
    hashers: ThreadPoolExecutor,
    events: queue.SimpleQueue[Event],
) -> None:
    """Run the engine to its end, and close everything that it used."""
    failure: BaseException | None = None
    try:
        with closing(connections), hashers:
            engine.run()
    except BaseException as error:  # raised where the caller waits for it
        failure = error
    events.put(_Finished(failure))
