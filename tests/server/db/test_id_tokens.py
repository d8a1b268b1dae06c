from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from studio_action.server.db import database, schema
from studio_action.server.db.id_tokens import UsedIdTokens
from studio_action.server.db.tokens import Tokens
from tests.server.calendar import Calendar


@pytest.fixture
def now() -> Calendar:
    return Calendar()


def kept(engine: Engine) -> int:
    with database.reading(engine) as connection:
        count = select(func.count()).select_from(schema.used_id_tokens)
        return int(connection.execute(count).scalar_one())


def test_use(engine: Engine, now: Calendar) -> None:
    used = UsedIdTokens(engine, now)
    soon = now() + timedelta(minutes=5)

    assert used.use(b"a" * 32, soon)
    assert used.use(b"b" * 32, soon)
    assert not used.use(b"a" * 32, soon)
    assert not UsedIdTokens(engine, now).use(b"a" * 32, soon + timedelta(hours=1))


def test_use__once_however_many_come_together(engine: Engine, now: Calendar) -> None:
    """Each has its own `UsedIdTokens`, as processes do."""
    together, results = threading.Barrier(8), []

    def use() -> None:
        used = UsedIdTokens(engine, now)
        together.wait()
        results.append(used.use(b"a" * 32, now() + timedelta(minutes=5)))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]


def test_use__what_expired_is_deleted(engine: Engine, now: Calendar) -> None:
    used = UsedIdTokens(engine, now)
    used.use(b"a" * 32, now() + timedelta(minutes=5))
    now.turn(minutes=9)
    used.use(b"b" * 32, now() + timedelta(minutes=5))
    assert kept(engine) == 2
    now.turn(minutes=2)
    used.use(b"c" * 32, now() + timedelta(minutes=5))
    assert kept(engine) == 2


def test_use__an_id_token_counts_as_long_as_clocks_may_differ(
    engine: Engine, now: Calendar
) -> None:
    expires = now() + timedelta(minutes=15)
    assert UsedIdTokens(engine, now).use(b"a" * 32, expires)
    now.turn(minutes=16)
    assert not UsedIdTokens(engine, now).use(b"a" * 32, expires)


def test_use__tokens_that_were_exchanged_are_deleted(engine: Engine, now: Calendar) -> None:
    tokens = Tokens(engine, now)
    issuers = (None, "https://ci", "https://ci")
    days = (1, 1, 2)
    for issuer, day in zip(issuers, days, strict=True):
        tokens.create(
            "ci",
            scopes=["project"],
            all_repositories=True,
            expires=now() + timedelta(days=day),
            issuer=issuer,
            claims=None if issuer is None else {"sub": "a"},
        )
    now.turn(days=2, seconds=1)
    UsedIdTokens(engine, now).use(b"a" * 32, now())

    left = sorted(tokens.all(), key=lambda each: str(each.issuer))
    assert [(each.issuer, each.claims) for each in left] == [
        (None, None),
        ("https://ci", {"sub": "a"}),
    ]
