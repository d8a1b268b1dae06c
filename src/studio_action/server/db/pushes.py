"""Counts pushes to repositories, as webhooks report them, so that mirrors know they are stale."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import pushes

_CACHE_TTL = 1.0
"""The seconds that a process caches the counts, which every request needs."""


class Pushes:
    """The counts in one database, shared by all servers behind the same address.

    A process sees another's pushes a second later. `now` returns seconds.
    """

    def __init__(self, engine: Engine, now: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._now = engine, now
        self._known: tuple[Mapping[str, int], float] = {}, -math.inf

    def count(self, repository: str) -> int:
        """Return the number of pushes to the repository of this name."""
        now, (counts, read) = self._now(), self._known
        if now >= read + _CACHE_TTL:
            with reading(self._engine) as connection:
                rows = connection.execute(select(pushes.c.repository, pushes.c.count))
                counts = {row["repository"]: row["count"] for row in rows.mappings()}
            self._known = counts, now
        return counts.get(repository, 0)

    def record(self, repository: str) -> None:
        """Count one push; none is lost, however many come at once."""
        increment = update(pushes).where(pushes.c.repository == repository)
        first = insert(pushes).values(repository=repository, count=1)
        while True:
            try:
                with writing(self._engine) as connection:
                    if not connection.execute(increment.values(count=pushes.c.count + 1)).rowcount:
                        connection.execute(first)
                self._known = {}, -math.inf
                return
            except IntegrityError:
                continue  # another process inserted the first row
