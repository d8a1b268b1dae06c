"""How often each repository was pushed to, as webhooks say: it tells a mirror that it is stale."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import pushes

_BELIEVED = 1.0
"""Seconds that a process believes what it has read: each answer asks how many pushes there were."""


class Pushes:
    """The counts of one database, which every server behind the same address sees.

    A push that another process was told of is seen a second later. `now` counts seconds.
    """

    def __init__(self, engine: Engine, now: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._now = engine, now
        self._known: tuple[Mapping[str, int], float] = {}, -math.inf

    def count(self, repository: str) -> int:
        """How many pushes there were to the repository of this name."""
        now, (counts, read) = self._now(), self._known
        if now >= read + _BELIEVED:
            with reading(self._engine) as connection:
                rows = connection.execute(select(pushes.c.repository, pushes.c.count))
                counts = {row["repository"]: row["count"] for row in rows.mappings()}
            self._known = counts, now
        return counts.get(repository, 0)

    def record(self, repository: str) -> None:
        """Count one push more; none is lost, however many come at once."""
        more = update(pushes).where(pushes.c.repository == repository)
        first = insert(pushes).values(repository=repository, count=1)
        while True:
            try:
                with writing(self._engine) as connection:
                    if not connection.execute(more.values(count=pushes.c.count + 1)).rowcount:
                        connection.execute(first)
                self._known = {}, -math.inf
                return
            except IntegrityError:
                continue  # somebody else was the first
