"""Shares the counts of rate limits with the other servers of the same database.

Each process counts in its memory, so that no request waits for the database, and a thread adds its
hits to everybody's twice a second. While the database is down, each counts for itself.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from studio_action.errors import StudioActionError
from studio_action.server.db.hits import Hits
from studio_action.server.log import Log
from studio_action.server.middleware.counters import Counters

_PAUSE = 0.5
"""The seconds from one exchange to the next."""
_MOST = 1000
"""The keys of one exchange: those with most hits first."""
_CLEANUP = 60.0
"""The seconds from one deletion of windows that have ended to the next."""
_LAST_SECONDS = 2.0


@dataclass(slots=True)
class SharedCounts:
    """Keeps `counters` and `hits` equal, from `start` to `stop`."""

    counters: Counters
    hits: Hits
    log: Log
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _cleaned: float = field(default=0.0, init=False)

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="rate limits", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell the others of the last hits, and end the thread; give up after some seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_LAST_SECONDS)

    def exchange(self) -> None:
        """Tell the others of hits, and hear of theirs; raise `Unreachable` if that fails."""
        now, taken = self.counters.now(), self.counters.take(_MOST)
        try:
            if taken:
                self.hits.add(taken, now)
        except BaseException:
            self.counters.give_back(taken)
            raise
        self.counters.merge(self.hits.current(now, _MOST))
        if now >= self._cleaned + _CLEANUP:
            self._cleaned = now
            self.hits.delete_ended(now)

    def _run(self) -> None:
        failing = False
        while True:
            stopping = self._stopping.wait(_PAUSE)
            try:
                self.exchange()
                failing = False
            except StudioActionError as error:
                if not failing:
                    self.log("rate limits are not shared", level="warning", error=str(error))
                failing = True
            if stopping:
                return
