"""One request, tried again while it makes sense: of the API and by git alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from studio_action.net import backoff
from studio_action.net.clock import Limits
from studio_action.text import human_time

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Retry:
    """The reason to try again, for the log; `retry_after` is the server's wish in seconds."""

    reason: str
    retry_after: float | None = None


def with_retries(
    attempt: Callable[[], Outcome],
    wanted: Callable[[Outcome], Retry | None],
    limits: Limits,
    log: Callable[[str], None],
) -> tuple[Outcome, int]:
    """Return the outcome of the last `attempt`, and how many attempts there were.

    Another attempt is made while `wanted` returns a `Retry` for the outcome, at most
    `limits.retries` times. Before it, the reason goes to `log`, and there is a wait. Raises
    `DeadlinePassed` at the deadline, and whatever `attempt` raises.
    """
    attempts = 1
    while True:
        limits.deadline.check()
        outcome = attempt()
        retry = wanted(outcome)
        if retry is None or attempts > limits.retries:
            return outcome, attempts
        delay = backoff.wait(attempts, retry_after=retry.retry_after, random=limits.random())
        log(f"{retry.reason}; trying again in {human_time(delay)} ({attempts} of {limits.retries})")
        limits.deadline.sleep(delay)
        attempts += 1
