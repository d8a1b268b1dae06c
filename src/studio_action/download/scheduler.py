"""Which request of a download is sent next, and how many at a time. Pure."""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable

from studio_action.download.answers import RangeRequest
from studio_action.download.file_download import FIRST_PART, FileDownload

MOST_OPEN = 4
"""Files of which more parts are to come, before further ones are started."""
MOST_HASHING = 32
"""Files that are on disk and still being hashed, before further ones are started."""

FIRST_CONNECTIONS = 8
"""Connections that fetch parts at first: 4 are too few on long ways, 16 too many on short ones."""
MORE_CONNECTIONS = 4
WORTH_IT = 1.1
"""More connections were worth it if the rate has grown by this factor."""
RECOVERY = 64
"""Successful requests in a row after which one more connection is tried."""
MEASURE = 1.0
"""Seconds over which a rate is taken, to see whether more connections are worth it."""


class DownloadQueue:
    """The files of one download, by their index, in the order asked for.

    A file waits, then it is active. While it is active, it is open as long as there is, or may be,
    something to request of it. `start` makes the file that becomes active.
    """

    def __init__(self, start: Callable[[int], FileDownload]) -> None:
        self.active: dict[int, FileDownload] = {}
        self.hashing = 0
        """How many files are whole on disk and being hashed."""
        self._start = start
        self._waiting: deque[int] = deque()
        self._open: list[FileDownload] = []

    @property
    def has_open(self) -> bool:
        """Return whether there is, or may be, more to request of an active file."""
        return bool(self._open)

    def add(self, index: int) -> None:
        """Let the file wait for its turn."""
        self._waiting.append(index)

    def start(self, index: int) -> FileDownload:
        """Make the file active, and return it."""
        download = self.active[index] = self._start(index)
        return download

    def mark_open(self, download: FileDownload) -> None:
        """Note that there is, or may be, more to request of the file."""
        if download not in self._open:
            insort(self._open, download, key=lambda each: each.index)

    def mark_idle(self, download: FileDownload) -> None:
        """Note that there is nothing more to request of the file."""
        if download in self._open:
            self._open.remove(download)

    def mark_hashing(self, download: FileDownload) -> None:
        """Note that the file is whole on disk and its digests are being computed."""
        self.mark_idle(download)
        self.hashing += 1

    def mark_hashed(self) -> None:
        """Note that the digests of one such file are there."""
        self.hashing -= 1

    def remove(self, download: FileDownload) -> None:
        """Forget an active file."""
        self.mark_idle(download)
        del self.active[download.index]

    def next_request(
        self, connections: int, in_use: int, now: float
    ) -> tuple[FileDownload, RangeRequest] | None:
        """Return the next request to send, or None if there is none at this moment.

        Parts of open files come first, while fewer than `connections` are `in_use`; so many are
        for the parts of large files.
        """
        for download in self._open:
            request = download.next_request(connections, now)
            if request is None:
                continue
            if in_use < connections:
                return download, request
            if len(self._open) >= MOST_OPEN:
                return None
            break
        if not self._waiting or self.hashing >= MOST_HASHING:
            return self._relief(now) if in_use < connections else None
        return self.start(self._waiting.popleft()), FIRST_PART

    def _relief(self, now: float) -> tuple[FileDownload, RangeRequest] | None:
        """Return a request for half of what a slow one still has to bring: a connection is idle."""
        for download in self._open:
            request = download.relieve(now)
            if request is not None:
                return download, request
        return None

    def next_due(self, now: float) -> float:
        """Return the moment, after `now`, at which a request that failed may be sent again."""
        dues: Iterable[float] = (download.retries.next_due(now) for download in self._open)
        return min(dues, default=math.inf)


class ConnectionLimiter:
    """How many connections may be used at once, within a budget. Moments are in seconds.

    Parts of large files start with a few connections and get more as long as the rate grows. All
    requests get fewer when the storage complains, and slowly more again when it does not.
    """

    def __init__(self, budget: int, now: float = 0.0) -> None:
        self.limit = budget
        """Connections that may be used now."""
        self.quiet_until = -math.inf
        """The moment before which no request is sent."""
        self._budget = budget
        self._for_parts = min(budget, FIRST_CONNECTIONS)
        self._successes = 0
        self._last_rate = 0.0
        self._settled = False
        self._throttled_at = -math.inf
        self._meter = RateMeter(now)

    @property
    def for_parts(self) -> int:
        """Return how many connections may fetch parts of large files; at most `limit`."""
        return min(self._for_parts, self.limit)

    def on_throttled(self, sent: float, now: float, until: float) -> None:
        """Use fewer connections, and none before `until`: the storage complained.

        `sent` is when the request was sent that it complained about. All requests that were under
        way at a complaint count as one.
        """
        self.quiet_until = max(self.quiet_until, until)
        if sent < self._throttled_at:
            return
        self._throttled_at = now
        self.limit = max(1, self.limit // 2)
        self._for_parts = max(1, min(self._for_parts, self.limit))
        self._settled, self._successes = True, 0

    def on_success(self) -> None:
        """Count a request that was answered well."""
        self._successes += 1
        if self._successes >= RECOVERY and self.limit < self._budget:
            self.limit, self._successes = self.limit + 1, 0

    def observe(self, arrived: int, now: float, *, busy: bool) -> None:
        """Learn how many bytes have arrived in all; `busy`: all connections are used now."""
        if not busy:
            self._meter.mark_idle()
        rate = self._meter.rate(arrived, now, MEASURE)
        if rate is not None:
            self.on_rate(rate)

    def on_rate(self, rate: float) -> None:
        """Use more connections, or fewer: `for_parts` of them brought `rate` bytes a second."""
        if self._settled or self._for_parts >= self._budget:
            return
        if rate < self._last_rate * WORTH_IT:
            self._for_parts = max(1, self._for_parts - MORE_CONNECTIONS)
            self._settled = True
            return
        self._last_rate = rate
        self._for_parts = min(self._budget, self._for_parts + MORE_CONNECTIONS)


class RateMeter:
    """How fast bytes arrive while all connections are used."""

    def __init__(self, now: float) -> None:
        self._since, self._arrived, self._busy = now, 0, False

    def mark_idle(self) -> None:
        """Note that a connection is not used at this moment."""
        self._busy = False

    def rate(self, arrived: int, now: float, period: float) -> float | None:
        """Return the bytes a second since the last rate, once `period` seconds have passed.

        Return None before, and if a connection was idle meanwhile.
        """
        seconds = now - self._since
        if seconds < period:
            return None
        rate = (arrived - self._arrived) / seconds if self._busy else None
        self._since, self._arrived, self._busy = now, arrived, True
        return rate


class Interval:
    """Something that is done every few seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: float | None = None

    def is_due(self, now: float) -> bool:
        """Return whether the seconds have passed since this was last true, or first asked."""
        if self._last is None:
            self._last = now
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
