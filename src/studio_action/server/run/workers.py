"""Starts, replaces and stops worker processes that share one address."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from studio_action.errors import Stopped
from studio_action.net.clock import Clock
from studio_action.server.log import Log

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_PAUSE = 1.0
"""The seconds before a worker that ended by itself is replaced, so as not to loop busily."""
_SHORT_LIFE = 30.0
_MOST_SHORT_LIVES = 5
"""How many workers in a row may end soon; then another would not help."""
_PREFIX = "metrics-"
_METRICS = ("counter", "histogram", "gauge_livesum")
"""The kinds of metrics that there are, each in a file of its own."""
_METRICS_SIZE = 1 << 19
"""The bytes of such a file: several times what all routes, methods and statuses need."""


class Workers:
    """Worker processes that share the listening socket; `start` starts one."""

    def __init__(
        self, listening: socket.socket, start: Callable[[], BaseProcess], log: Log, clock: Clock
    ) -> None:
        self._listening, self._start, self._log, self._clock = listening, start, log, clock
        self._signals: list[int] = []
        self._since: dict[BaseProcess, float] = {}
        self._short_lives = 0

    def run(self, count: int) -> None:
        """Keep `count` workers running until a signal comes, then stop them.

        A second signal kills them: raise `Stopped`. Raise `RuntimeError` if they end too soon.
        """
        with _signal_handler(self._handle_signal):
            for _ in range(count):
                self._add()
            while self._since:
                by_sentinel = {each.sentinel: each for each in self._since}
                for sentinel in connection.wait(list(by_sentinel)):
                    self._ended(by_sentinel[sentinel])  # type: ignore[index]
        if self._short_lives > _MOST_SHORT_LIVES:
            raise RuntimeError("workers end soon after they start; see the log lines above")
        if len(self._signals) > 1:
            raise Stopped(self._signals[0])

    def _add(self) -> None:
        if self._signals:
            return
        worker = self._start()
        self._since[worker] = self._clock.now()
        if self._signals:  # the signal came meanwhile
            _signal(worker, signal.SIGTERM)

    def _ended(self, worker: BaseProcess) -> None:
        worker.join()
        lived = self._clock.now() - self._since.pop(worker)
        if self._signals:
            return
        pid, code = worker.pid, worker.exitcode
        self._log("a worker ended by itself", level="error", pid=pid, exit_code=code)
        self._short_lives = 0 if lived > _SHORT_LIFE else self._short_lives + 1
        if self._short_lives > _MOST_SHORT_LIVES:
            self._handle_signal(signal.SIGTERM, None)
        else:
            self._clock.sleep(_PAUSE)
            self._add()

    def _handle_signal(self, signum: int, _: FrameType | None) -> None:
        for worker in self._since:
            _signal(worker, signal.SIGKILL if self._signals else signal.SIGTERM)
        self._signals.append(signum)
        self._listening.close()  # else clients would connect and wait in vain


def _signal(worker: BaseProcess, signum: int) -> None:
    if worker.exitcode is None and worker.pid is not None:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(worker.pid, signum)


@contextmanager
def metrics_folder(data_dir: Path) -> Iterator[Path]:
    """Yield a folder for the metrics of the workers; remove it at the end.

    Remove the folders of servers that were killed, too.
    """
    with ExitStack() as stack:
        with _locked(data_dir, fcntl.LOCK_EX):
            for left in data_dir.glob(f"{_PREFIX}*"):
                _remove_unless_locked(left)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=data_dir))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.enter_context(_locked(folder, fcntl.LOCK_SH))
        yield folder


def reserve_metrics(folder: Path, pid: int) -> None:
    """Give a worker's files of metrics their place on the disk; raise `OSError` if it is full.

    The worker has them in its memory: if the disk became full while they grow, the kernel would
    kill it (SIGBUS). The library takes files that are there, with the size that they have.
    """
    for kind in _METRICS:
        with (folder / f"{kind}_{pid}.db").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _METRICS_SIZE)


def _remove_unless_locked(folder: Path) -> None:
    with suppress(BlockingIOError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, how)
        yield
    finally:
        os.close(held)


@contextmanager
def _signal_handler(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {each: signal.signal(each, handler) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler_before in before.items():
            signal.signal(each, handler_before)
