"""Time as an argument: deadlines, waits and limits, so that tests are exact and never sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import random

from studio_action.errors import DeadlinePassed


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from. `now` counts seconds and never goes back; `sleep` waits seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment after which the command gives up; `seconds` of None is never."""

    seconds: float | None = None
    clock: Clock = Clock()
    started: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "started", self.clock.now())

    def remaining(self) -> float:
        """Return the seconds left; infinity without a deadline."""
        if self.seconds is None:
            return float("inf")
        return self.started + self.seconds - self.clock.now()

    def check(self) -> None:
        """Raise `DeadlinePassed` if no time is left."""
        if self.remaining() <= 0:
            raise DeadlinePassed(
                f"the deadline of {self.seconds or 0:g} seconds passed",
                "Raise `deadline`, or look at what was slow in the lines above",
            )

    def sleep(self, seconds: float) -> None:
        """Wait, or raise `DeadlinePassed` at the deadline if that comes first."""
        self.clock.sleep(max(0.0, min(seconds, self.remaining())))
        self.check()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often a request is tried: of the API, of storage and by git alike.

    `timeout` is in seconds without a byte, `retries` counts the attempts after the first, and
    `deadline` ends the whole command. `random` gives numbers in [0, 1), for the jitter of a wait.
    """

    timeout: float = 30.0
    retries: int = 5
    deadline: Deadline = field(default_factory=Deadline)
    random: Callable[[], float] = random
