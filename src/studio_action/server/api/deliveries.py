"""Which webhook deliveries make a repository's tags be read again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from studio_action.server.middleware.rate_limiter import RateLimiter
from studio_action.server.settings import ServedRepository

PER_MINUTE = 10
"""How many deliveries count for one repository; beyond that, its tags are as old as `refresh`."""


@dataclass(slots=True)
class Deliveries:
    """The deliveries to this process; `now` returns seconds.

    Nothing in a signed delivery says when it was sent, so whoever has a copy of it can send it
    again and again. A copy tells of nothing new.
    """

    now: Callable[[], float] = time.monotonic
    _last: dict[str, tuple[bytes, float]] = field(default_factory=dict, init=False)
    """The digest of the last delivery that counted and its time, by the repository's name."""
    _limiter: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._limiter = RateLimiter(PER_MINUTE, self.now)

    def counts(self, repository: ServedRepository, body: bytes) -> bool:
        """Return whether a genuine delivery counts.

        It does not if it is the same as the last one within `refresh`, or one of too many. An equal
        one after another does: a tag may be made, deleted and made again.
        """
        now, digest = self.now(), hashlib.sha256(body).digest()
        last, counted = self._last.get(repository.name, (b"", now))
        is_copy = last == digest and now < counted + repository.refresh
        if is_copy or self._limiter.resets_in(repository.name):
            return False
        self._limiter.hit(repository.name)
        self._last[repository.name] = digest, now
        return True
