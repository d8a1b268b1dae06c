from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import fields

import pytest
from sqlalchemy import Engine, event, func, select

from studio_action.server.db import schema
from studio_action.server.db.keys import SigningKeys
from studio_action.server.links import Key
from tests.server.calendar import Calendar


@pytest.fixture
def now() -> Calendar:
    return Calendar()


@pytest.fixture
def keys(engine: Engine, now: Calendar) -> SigningKeys:
    return SigningKeys(engine, now)


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """What the database is asked about keys."""
    seen: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "signing_keys" in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    yield seen
    event.remove(engine, "before_cursor_execute", listen)


def kept(engine: Engine) -> int:
    with engine.connect() as connection:
        count = select(func.count()).select_from(schema.signing_keys)
        return connection.execute(count).scalar_one()


def test_current__all_that_is_random_comes_from_outside(engine: Engine, now: Calendar) -> None:
    keys = SigningKeys(engine, now, lambda count: b"\xa5" * count)
    assert keys.current() == Key("a5" * 8, b"\xa5" * 32)


def test_current__every_process_has_the_same(engine: Engine, now: Calendar) -> None:
    assert SigningKeys(engine, now).current() == SigningKeys(engine, now).current()


def test_current__of_many_that_start_at_once(engine: Engine, now: Calendar) -> None:
    found: list[Key] = []
    together = threading.Barrier(12)

    def start() -> None:
        keys = SigningKeys(engine, now)
        together.wait()
        found.append(keys.current())

    threads = [threading.Thread(target=start) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert len({key.id for key in found}) == 1
    assert kept(engine) == 1


def test_current__a_new_one_after_a_week(keys: SigningKeys, now: Calendar) -> None:
    first = keys.current()
    now.turn(days=7, seconds=-1)
    assert keys.current() == first
    now.turn(seconds=1)
    assert keys.current().id != first.id


def test_current__another_process_made_the_new_one(engine: Engine, now: Calendar) -> None:
    one, other = SigningKeys(engine, now), SigningKeys(engine, now)
    assert one.current() == other.current()
    now.turn(days=7)
    assert one.current() == other.current()
    assert kept(engine) == 2


def test_secret(keys: SigningKeys) -> None:
    key = keys.current()
    assert keys.secret(key.id) == key.secret


def test_secret__of_a_key_that_another_process_has_just_made(engine: Engine, now: Calendar) -> None:
    keys = SigningKeys(engine, now)
    keys.current()
    now.turn(days=7)
    keys.secret("0" * 16)  # it knows the old one alone
    new = SigningKeys(engine, now).current()
    assert keys.secret(new.id) == new.secret


def test_secret__what_was_signed_at_the_last_moment_stays_good(
    keys: SigningKeys, now: Calendar
) -> None:
    old = keys.current()
    now.turn(days=7, hours=12)  # a log-in's life
    assert keys.current().id != old.id
    assert keys.secret(old.id) == old.secret


def test_secret__of_a_key_that_is_past_use(
    engine: Engine, keys: SigningKeys, now: Calendar
) -> None:
    old = keys.current()
    now.turn(days=8)
    assert keys.secret(old.id) is None
    keys.current()
    assert kept(engine) == 1


@pytest.mark.parametrize(
    "id", ["0" * 16, "", "\x00", "../../etc", "F" * 16, "0" * 100_000, "\ud800", "٠" * 16]
)
def test_secret__none(keys: SigningKeys, id: str) -> None:
    keys.current()
    assert keys.secret(id) is None


def test_both__the_database_is_asked_once_a_minute(
    keys: SigningKeys, now: Calendar, statements: list[str]
) -> None:
    key = keys.current()
    statements.clear()
    for _ in range(59):
        now.turn(seconds=1)
        assert (keys.current(), keys.secret(key.id)) == (key, key.secret)
    assert statements == []
    now.turn(seconds=1)
    keys.current()
    assert len(statements) == 1


def test_secret__text_that_is_no_id_is_not_looked_up(
    keys: SigningKeys, statements: list[str]
) -> None:
    keys.secret("../../etc/passwd")
    assert statements == []


def test_repr__shows_no_secret(keys: SigningKeys) -> None:
    key = keys.current()
    assert repr(key.secret) not in repr(
        (key, keys, [getattr(keys, each.name) for each in fields(keys)])
    )
