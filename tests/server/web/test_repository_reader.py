from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from studio_action.errors import Unreachable
from studio_action.server.log import Log
from studio_action.server.registry.models import Catalogue
from studio_action.server.web.repository_reader import MOST_WAITING, Reading, RepositoryReader
from tests.server.calendar import Calendar
from tests.server.site import MODELS, SECRET, Said, catalogue, day, tag

NOW = Calendar()
KNOWN = catalogue(
    NOW(),
    tag("churn@v1.0.0", "1", day(1)),
    tag("models/vision=segmenter@v1.0.0", "1", day(1)),
    tag("models/visionary=poet@v1.0.0", "1", day(1)),
)


class Slow:
    """Models that answer when `go` is set, and count how often they are asked."""

    def __init__(self) -> None:
        self.go, self.asked = Event(), 0

    def __call__(self) -> Catalogue:
        self.asked += 1
        assert self.go.wait(10)
        return KNOWN


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.go.set()


def reader(
    patience: float = 5.0, lines: list[str] | None = None, **answers: object
) -> RepositoryReader:
    said = Said(
        {"acme/models": answers.get("models", KNOWN), "acme/secret": answers.get("secret", KNOWN)}
    )
    log = Log([].append if lines is None else lines.append, NOW)
    return RepositoryReader(said, log, patience)


def test_of__what_is_known() -> None:
    assert reader().read([MODELS]) == {"acme/models": Reading(KNOWN)}


def test_of__one_that_could_not_be_fetched_since() -> None:
    old = replace(KNOWN, failing=True)

    found = reader(models=old).read([MODELS])["acme/models"]

    assert found.catalogue == old
    assert found.problem.startswith("The repository is unreachable")


def test_of__nothing_asked() -> None:
    assert reader().read([]) == {}


def test_of__one_that_cannot_be_read() -> None:
    lines: list[str] = []

    found = reader(lines=lines, secret=Unreachable("no route to host")).read([MODELS, SECRET])

    assert found["acme/models"].catalogue == KNOWN
    assert found["acme/secret"].catalogue is None
    assert found["acme/secret"].problem.startswith("The repository cannot be read.")
    assert "no route to host" not in found["acme/secret"].problem
    assert "no route to host" in lines[0]


def test_of__one_that_takes_too_long(slow: Slow) -> None:
    found = reader(0.05, secret=slow).read([MODELS, SECRET])

    assert found["acme/models"].catalogue == KNOWN
    assert found["acme/secret"].problem.startswith("The repository is still being read.")


def test_of__one_that_takes_long_is_asked_once(slow: Slow) -> None:
    asked = reader(0.05, models=slow)
    asked.read([MODELS])
    asked.read([MODELS])

    slow.go.set()

    assert asked.read([MODELS])["acme/models"].catalogue == KNOWN
    assert slow.asked <= 2  # the last may have come after the first ended


def test_of__a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        reader(models=ZeroDivisionError()).read([MODELS])


@pytest.mark.parametrize(
    ("subdir", "names"),
    [
        ("", ["churn", "models/vision:segmenter", "models/visionary:poet"]),
        ("models", ["models/vision:segmenter", "models/visionary:poet"]),
        ("models/vision", ["models/vision:segmenter"]),
        ("elsewhere", []),
    ],
)
def test_within(subdir: str, names: list[str]) -> None:
    assert [str(it.name) for it in Reading(KNOWN).within(subdir)] == names


def test_within__nothing_known() -> None:
    assert Reading(problem="It is away.").within("") == []


def test_of__few_wait_for_one_repository(slow: Slow) -> None:
    pages = reader(models=slow)

    with ThreadPoolExecutor(MOST_WAITING) as threads:
        waiting = [threads.submit(pages.read, [MODELS]) for _ in range(MOST_WAITING)]
        while pages._waiting["acme/models"] < MOST_WAITING:
            os.sched_yield()

        found = pages.read([MODELS, SECRET])
        slow.go.set()

    assert "still being read" in found["acme/models"].problem
    assert found["acme/secret"] == Reading(KNOWN)
    assert [each.result() for each in waiting] == [{"acme/models": Reading(KNOWN)}] * MOST_WAITING
    assert pages.read([MODELS]) == {"acme/models": Reading(KNOWN)}
