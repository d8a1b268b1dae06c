from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import StatementError

from studio_action.server.db import database, schema

KEY = {"id": "0" * 16, "secret": b"\x00\xff"}


@pytest.mark.parametrize("hours", [0, 2, -11])
def test_moment__comes_back_in_utc(engine: Engine, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    moment = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=zone)
    with database.writing(engine) as connection:
        connection.execute(insert(schema.signing_keys).values(created=moment, **KEY))
    with database.reading(engine) as connection:
        found = connection.execute(select(schema.signing_keys.c.created)).scalar_one()
    assert (found, found.tzinfo) == (moment, timezone.utc)


def test_moment__is_compared_as_a_moment(engine: Engine) -> None:
    created = datetime(2026, 3, 29, 12, tzinfo=timezone.utc)
    before = created.astimezone(timezone(timedelta(hours=-11))) - timedelta(microseconds=1)
    with database.writing(engine) as connection:
        connection.execute(insert(schema.signing_keys).values(created=created, **KEY))
    with database.reading(engine) as connection:
        later = select(schema.signing_keys.c.id).where(schema.signing_keys.c.created > before)
        assert connection.execute(later).scalars().all() == [KEY["id"]]


def test_moment__without_a_time_zone(engine: Engine) -> None:
    statement = insert(schema.signing_keys).values(created=datetime(2026, 3, 29), **KEY)
    with engine.connect() as connection, pytest.raises(StatementError, match="needs a time zone"):
        connection.execute(statement)
