from __future__ import annotations

from dataclasses import dataclass

import pytest

from studio_action.errors import DeadlinePassed
from studio_action.net.clock import Clock, Deadline


@dataclass
class Time:
    """A clock that only sleeping moves."""

    seconds: float = 100.0

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def time() -> Time:
    return Time()


def test_remaining(time: Time) -> None:
    deadline = Deadline(10.0, time.clock)

    time.sleep(4.0)

    assert deadline.remaining() == 6.0


def test_remaining__no_deadline(time: Time) -> None:
    assert Deadline(None, time.clock).remaining() == float("inf")


def test_check__time_is_left(time: Time) -> None:
    deadline = Deadline(10.0, time.clock)
    time.sleep(9.9)

    deadline.check()


def test_check__no_time_is_left(time: Time) -> None:
    deadline = Deadline(2.5, time.clock)
    time.sleep(2.5)

    with pytest.raises(DeadlinePassed, match=r"the deadline of 2\.5 seconds passed"):
        deadline.check()


def test_sleep__within_the_deadline(time: Time) -> None:
    Deadline(10.0, time.clock).sleep(4.0)

    assert time.seconds == 104.0


def test_sleep__wakes_at_the_deadline(time: Time) -> None:
    deadline = Deadline(10.0, time.clock)

    with pytest.raises(DeadlinePassed):
        deadline.sleep(60.0)

    assert time.seconds == 110.0


def test_sleep__never_a_negative_time(time: Time) -> None:
    deadline = Deadline(10.0, time.clock)
    time.seconds += 20.0

    with pytest.raises(DeadlinePassed):
        deadline.sleep(1.0)

    assert time.seconds == 120.0


def test_sleep__no_deadline(time: Time) -> None:
    Deadline(None, time.clock).sleep(1000.0)

    assert time.seconds == 1100.0


def test_clock__is_the_systems_unless_one_is_given() -> None:
    clock = Clock()

    clock.sleep(0)

    assert clock.now() <= clock.now()
