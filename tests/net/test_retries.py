from __future__ import annotations

import pytest

from studio_action.errors import DeadlinePassed
from studio_action.net.clock import Deadline, Limits
from studio_action.net.retries import Retry, with_retries
from tests.fakes import Time


class Request:
    """A request whose outcomes are known before; the time that passes is a fake clock's."""

    def __init__(self, *outcomes: str, retries: int = 3, deadline: float | None = None) -> None:
        self.outcomes = list(outcomes)
        self.log: list[str] = []
        self.time = Time()
        self.limits = Limits(30.0, retries, Deadline(deadline, self.time.clock), lambda: 0.0)

    def send(self, retry_after: float | None = None) -> tuple[str, int]:
        def wanted(outcome: str) -> Retry | None:
            return Retry(outcome, retry_after) if outcome != "done" else None

        return with_retries(lambda: self.outcomes.pop(0), wanted, self.limits, self.log.append)


def test_with_retries__at_once() -> None:
    request = Request("done")

    assert request.send() == ("done", 1)
    assert request.log == request.time.waits == []


def test_with_retries__waits_grow() -> None:
    request = Request("it broke", "it broke", "done")

    assert request.send() == ("done", 3)
    assert request.time.waits == [0.25, 0.5]
    assert request.log == [
        "it broke; trying again in 250 ms (1 of 3)",
        "it broke; trying again in 500 ms (2 of 3)",
    ]


def test_with_retries__as_long_as_the_server_wants() -> None:
    request = Request("busy", "done")

    request.send(retry_after=7.0)
    assert request.time.waits == [7.0]


@pytest.mark.parametrize("retries", [0, 2])
def test_with_retries__given_up(retries: int) -> None:
    request = Request(*["it broke"] * 9, retries=retries)

    assert request.send() == ("it broke", retries + 1)
    assert len(request.log) == retries


def test_with_retries__deadline() -> None:
    request = Request("it broke", "it broke", "done", deadline=0.3)

    with pytest.raises(DeadlinePassed):
        request.send()
    assert request.outcomes == ["done"]
