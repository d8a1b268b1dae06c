from __future__ import annotations

from studio_action.server.api.deliveries import PER_MINUTE, Deliveries
from tests.fakes import Time
from tests.server.serving import repository

MODELS = repository("https://git.example.org/acme/models.git", refresh=60.0)
OTHER = repository("https://git.example.org/acme/other.git", "acme/other", refresh=60.0)


def test_counts__a_copy_does_not() -> None:
    time = Time()
    deliveries = Deliveries(lambda: time.now)

    counted = [deliveries.counts(MODELS, b"made") for _ in range(3)]
    time.now += 60
    counted += [deliveries.counts(MODELS, b"made") for _ in range(2)]

    assert counted == [True, False, False, True, False]
    assert deliveries.counts(OTHER, b"made")


def test_counts__what_happened_again() -> None:
    deliveries = Deliveries(lambda: 0.0)

    assert [deliveries.counts(MODELS, each) for each in (b"made", b"gone", b"made")] == [True] * 3


def test_counts__not_too_many() -> None:
    time = Time()
    deliveries = Deliveries(lambda: time.now)

    counted = sum(deliveries.counts(MODELS, b"%d" % (each % 2)) for each in range(100))

    assert counted == PER_MINUTE
    assert deliveries.counts(OTHER, b"made")
    time.now += 60 / PER_MINUTE
    assert deliveries.counts(MODELS, b"another")
