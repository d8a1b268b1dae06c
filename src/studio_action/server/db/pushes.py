"""Counts pushes to repositories, as webhooks report them, so that mirrors know they are stale."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import pushes

_CACHE_TTL = 1.0
"""The seconds that a process caches the counts, which every request needs."""


class Pushes:
    """The counts in one database, shared by all servers behind the same address.

    A process sees another's pushes a second later. `now` returns seconds, `utc` the current time.
    """

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], float] = time.monotonic,
        utc: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._engine, self._now, self._utc = engine, now, utc
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

    def last_read(self) -> object | None:
        """Return what the counts were last read into; None if the next `count` reads them again."""
        counts, read = self._known
        return counts if self._now() < read + _CACHE_TTL else None

    def record(self, repository: str, delivery: bytes = b"", within: float = 0.0) -> bool:
        """Count one push and return True; none is lost, however many come at once.

        Do not count it, and return False, if its `delivery` is the same as that of the last one,
        which was less than `within` seconds ago.
        """
        while True:
            try:
                with writing(self._engine) as connection:
                    if self._is_copy(connection, repository, delivery, within):
                        return False
                    self._count(connection, repository, delivery)
                self._known = {}, -math.inf
                return True
            except IntegrityError:
                continue  # another process inserted the first row

    def _is_copy(
        self, connection: Connection, repository: str, delivery: bytes, within: float
    ) -> bool:
        same = pushes.c.repository == repository, pushes.c.delivery == delivery
        since = pushes.c.delivered > self._utc() - timedelta(seconds=within)
        found = connection.execute(select(pushes.c.repository).where(*same, since))
        return within > 0 and found.first() is not None

    def _count(self, connection: Connection, repository: str, delivery: bytes) -> None:
        last = {"delivery": delivery or None, "delivered": self._utc()}
        more = update(pushes).where(pushes.c.repository == repository)
        if not connection.execute(more.values(count=pushes.c.count + 1, **last)).rowcount:
            connection.execute(insert(pushes).values(repository=repository, count=1, **last))
