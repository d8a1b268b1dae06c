"""Which webhook deliveries make a repository's tags be read again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from studio_action.server.db.pushes import Pushes
from studio_action.server.middleware.rate_limiter import RateLimiter
from studio_action.server.settings import ServedRepository

PER_MINUTE = 10
"""How many deliveries count for one repository; beyond that, its tags are as old as `refresh`."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries to all servers that share `pushes`; `limiter` counts those that were recorded.

    Nothing in a signed delivery says when it was sent, so whoever has a copy of it can send it
    again and again. A copy tells of nothing new.
    """

    pushes: Pushes
    limiter: RateLimiter

    def record(self, repository: ServedRepository, body: bytes) -> bool:
        """Record a genuine delivery as a push and return True, if it counts.

        It does not if it is the same as the last one within `refresh`, or one of too many. An equal
        one after another does: a tag may be made, deleted and made again.
        """
        if self.limiter.resets_in(repository.name):
            return False
        digest = hashlib.sha256(body).digest()
        recorded = self.pushes.record(repository.name, digest, repository.refresh)
        if recorded:
            self.limiter.hit(repository.name)
        return recorded
