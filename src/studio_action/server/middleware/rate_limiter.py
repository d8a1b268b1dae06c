"""How often a caller may do something."""

from __future__ import annotations

from dataclasses import dataclass, field

from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from studio_action.server.middleware.counters import Counters


@dataclass(slots=True)
class RateLimiter:
    """Allow each key `per_minute` hits in the minute that begins with the first of them.

    `what` is hit; limiters of the same name over the same `counters` count together.
    """

    what: str
    per_minute: int
    counters: Counters
    _limit: RateLimitItemPerMinute = field(init=False)
    _strategy: FixedWindowRateLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._limit = RateLimitItemPerMinute(self.per_minute, namespace=self.what)
        self._strategy = FixedWindowRateLimiter(self.counters)

    def resets_in(self, key: str) -> float:
        """Return the seconds until `key` may hit again; 0 if it may now."""
        if self._strategy.test(self._limit, key):
            return 0.0
        return self._strategy.get_window_stats(self._limit, key).reset_time - self.counters.now()

    def hit(self, key: str) -> None:
        """Count one hit of `key`."""
        self._strategy.hit(self._limit, key)
