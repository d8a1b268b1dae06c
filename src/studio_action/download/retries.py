"""What is tried again, when, and how often. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from studio_action.errors import Unreachable

HINT = "Check the storage and the network, then run the step again"


@dataclass(frozen=True, slots=True)
class RetryAt:
    """A request that failed `attempt` times, and the moment before which it is not sent again."""

    attempt: int
    due: float


FIRST_TRY = RetryAt(0, 0.0)


class RetrySchedule:
    """The failures of one file. Requests are known by the offset of their first byte."""

    def __init__(self) -> None:
        self.restarts = 0
        """How often the file was started over because the storage has changed it."""
        self.mismatches = 0
        """How often the whole file was not the one that was meant."""
        self._by_offset: dict[int, RetryAt] = {}

    def failures(self, offset: int) -> int:
        """Return how often the request at `offset` has failed."""
        return self._by_offset.get(offset, FIRST_TRY).attempt

    def is_due(self, offset: int, now: float) -> bool:
        """Return whether the request at `offset` may be sent now."""
        return self._by_offset.get(offset, FIRST_TRY).due <= now

    def next_due(self, now: float) -> float:
        """Return the moment, after `now`, at which a request that failed may be sent again."""
        dues = (retry.due for retry in self._by_offset.values() if retry.due > now)
        return min(dues, default=math.inf)

    def succeed(self, offset: int) -> None:
        """Forget the failures of the request at `offset`."""
        self._by_offset.pop(offset, None)

    def postpone(self, offset: int, retry: RetryAt, *, resume_at: int) -> None:
        """Send what failed at `offset` again later, from the offset `resume_at` on."""
        self._by_offset.pop(offset, None)
        self._by_offset[resume_at] = retry


def give_up_after(failures: int, retries: int, label: object, reason: str) -> None:
    """Raise `Unreachable` if there were more failures than retries are allowed."""
    if failures > retries:
        times = "once" if failures == 1 else f"{failures} times"
        raise Unreachable(f"{label} cannot be fetched: {reason} ({times})", HINT)


class StallTimer:
    """Notices that nothing has come for a while. Moments are in seconds."""

    def __init__(self, received: int, now: float) -> None:
        self._received, self._since = received, now

    def reset(self, received: int, now: float) -> None:
        """Start again from this moment."""
        self._received, self._since = received, now

    def is_stalled(self, received: int, now: float, timeout: float) -> bool:
        """Return whether the count of bytes has been `received` for `timeout` seconds."""
        if received != self._received:
            self.reset(received, now)
            return False
        return now - self._since >= timeout
