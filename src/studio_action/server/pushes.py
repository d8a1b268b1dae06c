"""How often each repository was pushed to, as webhooks say: it tells a mirror that it is stale."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from studio_action.server.database import reading, writing
from studio_action.server.schema import pushes


class Pushes:
    """The counts of one database, which every server behind the same address sees."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count(self, repository: str) -> int:
        """How many pushes there were to the repository of this name."""
        statement = select(pushes.c.count).where(pushes.c.repository == repository)
        with reading(self._engine) as connection:
            return connection.execute(statement).scalar_one_or_none() or 0

    def record(self, repository: str) -> None:
        """Count one push more; none is lost, however many come at once."""
        more = update(pushes).where(pushes.c.repository == repository)
        first = insert(pushes).values(repository=repository, count=1)
        while True:
            try:
                with writing(self._engine) as connection:
                    if not connection.execute(more.values(count=pushes.c.count + 1)).rowcount:
                        connection.execute(first)
                return
            except IntegrityError:
                continue  # somebody else was the first
