from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from studio_action.server.api.deliveries import PER_MINUTE, Deliveries
from studio_action.server.db.pushes import Pushes
from studio_action.server.middleware.counters import Counters
from studio_action.server.middleware.rate_limiter import RateLimiter
from tests.server.calendar import Calendar
from tests.server.serving import repository

MODELS = repository("https://git.example.org/acme/models.git", refresh=60.0)
OTHER = repository("https://git.example.org/acme/other.git", "acme/other", refresh=60.0)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


def server(engine: Engine, calendar: Calendar) -> Deliveries:
    """One of the servers of a database."""
    counters = Counters(lambda: calendar().timestamp())
    limiter = RateLimiter("webhooks", PER_MINUTE, counters)
    return Deliveries(Pushes(engine, utc=calendar), limiter)


def test_record__no_copy_at_any_server(engine: Engine, calendar: Calendar) -> None:
    one, two = server(engine, calendar), server(engine, calendar)

    counted = [each.record(MODELS, b"made") for each in (one, one, two)]
    calendar.moment += timedelta(seconds=60)
    counted += [each.record(MODELS, b"made") for each in (two, one)]

    assert counted == [True, False, False, True, False]
    assert one.record(OTHER, b"made")
    assert one.pushes.count(MODELS.name) == 2


def test_record__what_happened_again(engine: Engine, calendar: Calendar) -> None:
    one = server(engine, calendar)

    assert [one.record(MODELS, each) for each in (b"made", b"gone", b"made")] == [True] * 3


def test_record__not_too_many(engine: Engine, calendar: Calendar) -> None:
    one = server(engine, calendar)

    counted = sum(one.record(MODELS, b"%d" % (each % 2)) for each in range(30))

    assert counted == PER_MINUTE
    assert one.record(OTHER, b"made")
    calendar.moment += timedelta(seconds=60)
    assert one.record(MODELS, b"another")
