"""The hits that rate limits count, added up over all servers that share the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Engine, Table, case, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import hits
from studio_action.server.middleware.counters import Count

_INSERT: Mapping[str, Callable[[Table], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


class Hits:
    """The hits in one database; times are in seconds since 1970."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = _INSERT[engine.dialect.name]

    def add(self, counts: Mapping[str, Count], now: float) -> None:
        """Add hits to those of the windows that have not ended; raise `Unreachable` if it fails.

        Sorted, so that two servers do not wait for each other's rows.
        """
        new = self._insert(hits)
        ended = hits.c.expires <= now
        statement = new.on_conflict_do_update(
            index_elements=[hits.c.key],
            set_={
                "count": case(
                    (ended, new.excluded["count"]), else_=hits.c.count + new.excluded["count"]
                ),
                "expires": case((ended, new.excluded.expires), else_=hits.c.expires),
            },
        )
        rows = [
            {"key": key, "count": each.hits, "expires": each.expires}
            for key, each in sorted(counts.items())
        ]
        with writing(self._engine) as connection:
            connection.execute(statement, rows)

    def current(self, now: float, most: int) -> Mapping[str, Count]:
        """Return the hits of the windows that have not ended, of so many keys with most hits."""
        query = select(hits).where(hits.c.expires > now).order_by(hits.c.count.desc()).limit(most)
        with reading(self._engine) as connection:
            return {row.key: Count(row[1], row.expires) for row in connection.execute(query)}

    def delete_ended(self, now: float) -> None:
        """Delete the windows that have ended."""
        with writing(self._engine) as connection:
            connection.execute(delete(hits).where(hits.c.expires <= now))
