"""The connections that one download has opened: one to each storage, shared by its files."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress

from studio_action.download.filesystems import Connect, Filesystem

PATIENCE = 1.0
"""Seconds that a connection gets to end: a peer that is gone may never answer."""


class Opened:
    """One connection to each storage, made when it is needed first, and again after it failed."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._open: dict[Connect, Future[Filesystem]] = {}
        self._lock = threading.Lock()

    def to(self, connect: Connect) -> Filesystem:
        """Return the connection; the first thread makes it, and all raise what that one raises."""
        with self._lock:
            future = self._open.get(connect)
            mine = future is None
            if future is None:
                future = self._open[connect] = Future()
        if mine:
            try:
                future.set_result(connect(self._timeout))
            except BaseException as error:
                with self._lock:
                    if self._open.get(connect) is future:
                        del self._open[connect]
                future.set_exception(error)
        return future.result()

    def drop(self, connect: Connect, used: Filesystem | None) -> None:
        """End the connection that was `used`; None: the one that is still being made.

        The next who needs one makes a new one. Somebody else may have done so already.
        """
        with self._lock:
            future = self._open.get(connect)
            if future is None or (future.result() if future.done() else None) is not used:
                return
            del self._open[connect]
        future.add_done_callback(_close)

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            futures = list(self._open.values())
            self._open.clear()
        for future in futures:
            future.add_done_callback(_close)


def _close(future: Future[Filesystem]) -> None:
    """Close what was opened, on a thread that nobody waits for long: a dead peer may not answer."""

    def closing() -> None:
        with suppress(Exception):
            future.result().close()

    thread = threading.Thread(target=closing, daemon=True)
    thread.start()
    thread.join(PATIENCE)
