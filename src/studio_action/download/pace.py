"""When things were last done, and how fast bytes come. Pure."""

from __future__ import annotations


class Pace:
    """Times and rates of one download; `now` is in seconds, and never goes back."""

    def __init__(self, now: float) -> None:
        self._last: dict[str, float] = {}
        self._since, self._then, self._busy = now, 0, False

    def due(self, what: str, now: float, every: float) -> bool:
        """Whether `every` seconds have passed since this was last true."""
        if now - self._last.setdefault(what, now) < every:
            return False
        self._last[what] = now
        return True

    def busy(self, busy: bool) -> None:
        """Whether all connections are in use at this moment."""
        self._busy = self._busy and busy

    def rate(self, arrived: int, now: float, over: float) -> float | None:
        """Bytes a second in the last `over` seconds; None if a connection was idle meanwhile."""
        seconds = now - self._since
        if seconds < over:
            return None
        rate = (arrived - self._then) / seconds if self._busy else None
        self._since, self._then, self._busy = now, arrived, True
        return rate
