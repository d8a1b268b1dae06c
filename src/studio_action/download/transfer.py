"""The transfer engine's front door: files over many connections, verified on the way.

Three kinds of threads share the work: the caller's, which alone asks the registry and reports
progress, and which a signal interrupts at any moment; one that drives all connections and writes;
and a few that hash.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Literal

from studio_action.download.base import Fetched, Progress, Renew, Verify
from studio_action.download.connections import Connections
from studio_action.download.engine import Engine
from studio_action.download.partials import Partials, boot_id
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Limits
from studio_action.net.network import Network

REPORT = 0.1
"""Seconds between two reports of progress."""
PATIENCE = 1.0
"""Seconds that the threads get to end after a failure or a signal."""
MOST_HASHING = 8


def now_utc() -> datetime:
    """The time of day."""
    return datetime.now(timezone.utc)


class Transfer:
    """Fetches files into a folder of partial files; implements `base.Downloader`.

    Use it as a context manager, and move the files away before it ends: until then no other
    process touches them. What is not moved away is there for the next run to go on with.
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
        self._limits, self._network, self._verify = limits, network, verify
        self._max_connections, self._utc = max_connections, utc
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
        """All files, verified, in the order asked for. See `base.Downloader`."""
        news: queue.SimpleQueue[News] = queue.SimpleQueue()
        connections = Connections(self._network, self._limits.timeout)
        hashers = ThreadPoolExecutor(min(MOST_HASHING, max(2, os.cpu_count() or 2)))
        engine = Engine(
            files,
            partials=self._partials,
            threads=hashers,
            connections=connections,
            limits=self._limits,
            max_connections=self._max_connections,
            verify=self._verify,
            utc=self._utc,
            ask_renewal=lambda: news.put("renew"),
        )
        drive = threading.Thread(
            target=_drive, args=(engine, connections, hashers, news), daemon=True
        )
        told = _Told(progress)
        try:
            drive.start()
            while not isinstance(word := _next(news), _Over):
                told.update(engine)
                if word == "renew":
                    engine.renewed(renew())
        finally:
            engine.stop()
            drive.join(PATIENCE)
        if word.failure is not None:
            raise word.failure
        told.update(engine)
        return [engine.fetched[index] for index in range(len(files))]


@dataclass(frozen=True, slots=True)
class _Over:
    """The connections are closed, and why if not all is done."""

    failure: BaseException | None


News = Literal["renew"] | _Over
"""What the driving thread has to say: new signed URLs are needed, or it has ended."""


def _next(news: queue.SimpleQueue[News]) -> News | None:
    try:
        return news.get(timeout=REPORT)
    except queue.Empty:
        return None


def _drive(
    engine: Engine,
    connections: Connections,
    hashers: ThreadPoolExecutor,
    news: queue.SimpleQueue[News],
) -> None:
    """Run the engine to its end, and close everything that it used."""
    failure: BaseException | None = None
    try:
        with closing(connections), hashers:
            engine.run()
    except BaseException as error:  # raised where the caller waits for it
        failure = error
    news.put(_Over(failure))


class _Told:
    """What the progress has heard already."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._expected = self._arrived = self._finished = 0

    def update(self, engine: Engine) -> None:
        """Tell it what is new."""
        expected, arrived, finished = engine.expected, engine.arrived, len(engine.fetched)
        if expected != self._expected:
            self._progress.expect(expected - self._expected)
        if arrived != self._arrived:
            self._progress.advance(arrived - self._arrived)
        for _ in range(finished - self._finished):
            self._progress.finish()
        self._expected, self._arrived, self._finished = expected, arrived, finished
