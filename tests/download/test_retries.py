from __future__ import annotations

import math

import pytest

from studio_action.download.retries import RetryAt, RetrySchedule, StallTimer, give_up_after
from studio_action.errors import Unreachable


def test_schedule__a_request_that_failed_waits_and_goes_on_where_it_broke_off() -> None:
    retries = RetrySchedule()
    retries.postpone(0, RetryAt(1, 5.0), resume_at=0)
    retries.postpone(0, RetryAt(2, 9.0), resume_at=7)

    assert (retries.failures(0), retries.failures(7)) == (0, 2)
    assert (retries.is_due(0, 0.0), retries.is_due(7, 8.9), retries.is_due(7, 9.0)) == (
        True,
        False,
        True,
    )
    assert (retries.next_due(8.9), retries.next_due(9.0)) == (9.0, math.inf)


def test_schedule__success_is_no_failure_any_more() -> None:
    retries = RetrySchedule()
    retries.postpone(0, RetryAt(1, 5.0), resume_at=0)
    retries.succeed(0)

    assert (retries.failures(0), retries.is_due(0, 0.0)) == (0, True)


@pytest.mark.parametrize(("failures", "retries"), [(0, 0), (2, 2)])
def test_give_up_after__not_yet(failures: int, retries: int) -> None:
    give_up_after(failures, retries, "'m'", "HTTP 500")


@pytest.mark.parametrize(("failures", "times"), [(1, "once"), (3, "3 times")])
def test_give_up_after(failures: int, times: str) -> None:
    with pytest.raises(Unreachable, match=rf"'m' cannot be fetched: HTTP 500 \({times}\)"):
        give_up_after(failures, failures - 1, "'m'", "HTTP 500")


def test_stall_timer() -> None:
    stall = StallTimer(0, 10.0)

    assert not stall.is_stalled(0, 14.9, 5.0)
    assert not stall.is_stalled(1, 15.0, 5.0), "a byte came"
    assert not stall.is_stalled(1, 19.9, 5.0)
    assert stall.is_stalled(1, 20.0, 5.0)
    stall.reset(1, 20.0)
    assert not stall.is_stalled(1, 24.9, 5.0)
