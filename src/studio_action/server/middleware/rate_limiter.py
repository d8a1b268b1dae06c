"""How often a caller may do something."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_KEYS = 100_000
"""How many keys are remembered; beyond that, the least recently used one is forgotten."""

_MINUTE = 60.0


@dataclass(slots=True)
class RateLimiter:
    """Allow each key `per_minute` hits at once, and as many again over the next minute.

    Used hits come back evenly, not all at the full minute. `now` returns seconds.
    """

    per_minute: int
    now: Callable[[], float]
    _full_at: OrderedDict[str, float] = field(default_factory=OrderedDict, init=False)
    """The moment at which a key has all of its hits again."""

    def resets_in(self, key: str) -> float:
        """Return the seconds until `key` may hit again; 0 if it may now."""
        return max(0.0, self._full_at.get(key, 0.0) + self._interval - self.now() - _MINUTE)

    def hit(self, key: str) -> None:
        """Count one hit of `key`."""
        self._full_at[key] = max(self._full_at.get(key, 0.0), self.now()) + self._interval
        self._full_at.move_to_end(key)
        if len(self._full_at) > MOST_KEYS:
            self._full_at.popitem(last=False)

    @property
    def _interval(self) -> float:
        """The seconds after which one used hit comes back."""
        return _MINUTE / self.per_minute
