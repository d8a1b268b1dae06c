"""Servers of one database count together."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select

from studio_action.server.db import database, schema
from studio_action.server.db.hits import Hits
from studio_action.server.middleware.counters import Counters
from studio_action.server.middleware.rate_limiter import RateLimiter
from studio_action.server.sharing import SharedCounts
from tests.fakes import Time
from tests.server.lines import Lines


class Server:
    """One process: its limit of six a minute, and how it shares."""

    def __init__(self, engine: Engine, time: Time) -> None:
        counters = Counters(lambda: time.now)
        self.limit = RateLimiter("requests", 6, counters)
        self.shared = SharedCounts(counters, Hits(engine), Lines().log)

    def hit(self, count: int) -> None:
        for _ in range(count):
            self.limit.hit("ci")


def test_exchange__all_have_one_limit(engine: Engine) -> None:
    time = Time()
    first, second, third = (Server(engine, time) for _ in range(3))
    first.hit(4)
    time.now += 20
    second.hit(2)

    for each in (first, second, third, first):
        each.shared.exchange()

    assert [each.limit.resets_in("ci") for each in (first, second, third)] == [40, 40, 40]
    time.now += 40
    assert [each.limit.resets_in("ci") for each in (first, second, third)] == [0, 0, 0]


def test_exchange__a_new_window_starts_from_nothing(engine: Engine) -> None:
    time = Time()
    first, second = Server(engine, time), Server(engine, time)
    first.hit(6)
    first.shared.exchange()
    time.now += 60
    second.hit(1)
    second.shared.exchange()
    first.shared.exchange()

    assert first.limit.resets_in("ci") == 0
    first.hit(5)
    assert first.limit.resets_in("ci") == 60


def test_exchange__windows_that_have_ended_are_deleted(engine: Engine) -> None:
    time = Time()
    server = Server(engine, time)
    time.now += 60
    server.hit(1)
    server.shared.exchange()
    time.now += 60
    server.shared.exchange()

    with database.reading(engine) as connection:
        assert connection.execute(select(schema.hits)).all() == []


def test_exchange__nothing_is_lost_while_the_database_is_down(engine: Engine) -> None:
    time = Time()
    server = Server(engine, time)
    server.hit(6)
    down = database.open_engine("sqlite:////proc/nowhere/registry.db")
    server.shared.hits = Hits(down)
    with pytest.raises(Exception, match="cannot be written"):
        server.shared.exchange()
    down.dispose()

    server.shared.hits = Hits(engine)
    server.shared.exchange()
    other = Server(engine, time)
    other.shared.exchange()

    assert other.limit.resets_in("ci") == 60


def test_stop__tells_of_the_last_hits(engine: Engine) -> None:
    time = Time()
    server, other = Server(engine, time), Server(engine, time)
    server.shared.start()
    server.hit(6)

    server.shared.stop()

    other.shared.exchange()
    assert other.limit.resets_in("ci") == 60
