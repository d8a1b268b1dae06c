from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import pytest

from studio_action.download.answers import Content, RangeRequest
from studio_action.download.file_download import (
    FIRST_PART,
    MOST_UNHASHED,
    FileDownload,
    PartialFile,
    Store,
)
from studio_action.download.parts import LARGEST_PART, Span, Spans
from studio_action.download.retries import RetryAt
from studio_action.download.scheduler import (
    FIRST_CONNECTIONS,
    MOST_HASHING,
    MOST_OPEN,
    RECOVERY,
    ConnectionLimiter,
    DownloadQueue,
    Interval,
    RateMeter,
)
from studio_action.model.artifact import RemoteFile

MIB = 1 << 20


def start(index: int) -> FileDownload:
    """A file that touches no disk as long as nothing is written."""
    file = RemoteFile(f"f{index}", "https://host/key")
    return FileDownload(index, file, cast(Store, None), lambda _: None)


def large(queue: DownloadQueue, index: int) -> FileDownload:
    """A file of which the first part was promised, and more is to come."""
    download = queue.start(index)
    download.accept(Content(0, LARGEST_PART, 100 * MIB, ranged=True))
    queue.mark_open(download)
    return download


def queue_of(*waiting: int) -> DownloadQueue:
    queue = DownloadQueue(start)
    for index in waiting:
        queue.add(index)
    return queue


def requested(
    queue: DownloadQueue, *, in_use: int, now: float = 0.0
) -> tuple[int, RangeRequest] | None:
    found = queue.next_request(FIRST_CONNECTIONS, in_use, now)
    return found and (found[0].index, found[1])


@dataclass
class Unhashed:
    """A partial file of which so many bytes wait to be hashed."""

    backlog: int
    have: Spans = ()


@dataclass
class Sent:
    """A request that is on its way."""

    span: Span
    is_stale: bool = False
    left: float = 0.0

    def seconds_left(self, now: float) -> float:
        return self.left

    def shorten(self, end: int) -> None:
        self.span = Span(self.span.start, end)


def test_next_request__no_more_parts_while_the_hashing_cannot_follow() -> None:
    download = large(queue_of(), 0)
    download.partial = cast(PartialFile, Unhashed(MOST_UNHASHED + 1))
    download.requests.append(Sent(Span(0, LARGEST_PART)))

    assert download.next_request(FIRST_CONNECTIONS, 0.0) is None

    download.partial = cast(PartialFile, Unhashed(MOST_UNHASHED))
    assert download.next_request(FIRST_CONNECTIONS, 0.0) is not None
    download.partial = cast(PartialFile, Unhashed(MOST_UNHASHED + 1))
    download.requests.clear()  # or nothing would bring the next look at it
    assert download.next_request(FIRST_CONNECTIONS, 0.0) is not None


def test_next_request__an_idle_connection_takes_half_of_the_slowest_request() -> None:
    queue = queue_of()
    download = large(queue, 0)
    slow, slower = Sent(Span(0, 50 * MIB), left=3.0), Sent(Span(50 * MIB, 100 * MIB), left=4.0)
    download.requests += [slow, slower]

    assert requested(queue, in_use=FIRST_CONNECTIONS) is None
    assert requested(queue, in_use=2) == (0, RangeRequest(75 * MIB, 100 * MIB, 100 * MIB, ""))
    assert (slow.span, slower.span) == (Span(0, 50 * MIB), Span(50 * MIB, 75 * MIB))


@pytest.mark.parametrize(
    ("left", "length"),
    [pytest.param(1.9, 8 * MIB, id="soon over"), pytest.param(9.0, MIB // 4, id="too little")],
)
def test_next_request__a_request_that_needs_no_relief(left: float, length: int) -> None:
    queue = queue_of()
    download = large(queue, 0)
    download.requests += [Sent(Span(0, 100 * MIB - length)), Sent(Span(99, 99 + length), left=left)]
    download.requests[0] = Sent(Span(0, 100 * MIB))

    assert requested(queue, in_use=2) is None


def test_next_request__in_the_order_asked_for() -> None:
    queue = queue_of(0, 1)

    assert [requested(queue, in_use=0) for _ in range(3)] == [
        (0, FIRST_PART),
        (1, FIRST_PART),
        None,
    ]


def test_next_request__more_of_a_large_file_before_another_one() -> None:
    queue = queue_of(5)
    large(queue, 3)
    large(queue, 2)

    found = requested(queue, in_use=7)

    assert found == (2, RangeRequest(0, 100 * MIB // 16, 100 * MIB, ""))


def test_next_request__others_where_parts_have_their_share() -> None:
    queue = queue_of(5)
    large(queue, 2)

    assert requested(queue, in_use=8) == (5, FIRST_PART)


def test_next_request__not_too_many_at_a_time() -> None:
    queue = queue_of(9)
    for index in range(MOST_OPEN):
        large(queue, index)

    assert requested(queue, in_use=8) is None


def test_next_request__not_too_far_ahead_of_the_hashing() -> None:
    queue = queue_of(9)
    for _ in range(MOST_HASHING):
        queue.mark_hashing(start(1))

    assert requested(queue, in_use=0) is None
    queue.mark_hashed()
    assert requested(queue, in_use=0) == (9, FIRST_PART)


def test_next_request__not_before_its_time() -> None:
    queue = queue_of()
    download = large(queue, 0)
    download.postpone(0, 0, RetryAt(1, 50.0))

    assert (requested(queue, in_use=0, now=49.0), queue.next_due(49.0)) == (None, 50.0)
    assert requested(queue, in_use=0, now=50.0) is not None
    assert queue.next_due(50.0) == math.inf


def test_remove() -> None:
    queue = queue_of()
    queue.remove(large(queue, 0))

    assert (queue.has_open, queue.active) == (False, {})


def test_limiter__more_as_long_as_it_pays() -> None:
    limiter = ConnectionLimiter(16)
    seen = [limiter.for_parts]
    for rate in (100.0, 150.0, 151.0, 900.0):
        limiter.on_rate(rate)
        seen.append(limiter.for_parts)

    assert seen == [8, 12, 16, 16, 16]


def test_limiter__back_when_it_did_not_pay() -> None:
    limiter = ConnectionLimiter(16)
    seen = [limiter.for_parts]
    for rate in (100.0, 101.0, 900.0):
        limiter.on_rate(rate)
        seen.append(limiter.for_parts)

    assert seen == [8, 12, 8, 8]


@pytest.mark.parametrize("budget", [1, 4, FIRST_CONNECTIONS])
def test_limiter__small_budget(budget: int) -> None:
    limiter = ConnectionLimiter(budget)
    limiter.on_rate(100.0)

    assert (limiter.for_parts, limiter.limit) == (budget, budget)


def test_limiter__fewer_after_complaints() -> None:
    limiter = ConnectionLimiter(16)
    seen = []
    for now in range(6):
        limiter.on_throttled(sent=now, now=now, until=now)
        seen.append((limiter.limit, limiter.for_parts))

    assert seen == [(8, 8), (4, 4), (2, 2), (1, 1), (1, 1), (1, 1)]


def test_limiter__recovery() -> None:
    limiter = ConnectionLimiter(16)
    limiter.on_throttled(sent=0.0, now=1.0, until=2.0)
    for _ in range(RECOVERY):
        limiter.on_success()

    assert limiter.limit == 9


def test_limiter__one_complaint_for_all_that_was_sent_before_it() -> None:
    limiter = ConnectionLimiter(16)
    limiter.on_throttled(sent=0.0, now=1.0, until=3.0)
    limiter.on_throttled(sent=0.5, now=1.5, until=2.0)

    assert (limiter.limit, limiter.quiet_until) == (8, 3.0)
    limiter.on_throttled(sent=1.0, now=4.0, until=5.0)
    assert (limiter.limit, limiter.quiet_until) == (4, 5.0)


def test_limiter__measures_only_while_all_connections_are_used() -> None:
    limiter = ConnectionLimiter(32)
    limiter.observe(10, 1.0, busy=True)
    limiter.observe(20, 2.0, busy=True)
    assert limiter.for_parts == 12
    limiter.observe(25, 2.5, busy=False)
    limiter.observe(30, 3.0, busy=True)
    assert limiter.for_parts == 12


def test_interval() -> None:
    interval = Interval(1.0)

    assert [interval.is_due(now) for now in (0.0, 0.9, 1.0, 1.5, 2.1)] == [
        False,
        False,
        True,
        False,
        True,
    ]


def test_rate_meter() -> None:
    meter = RateMeter(0.0)
    found = [meter.rate(arrived, now, 1.0) for arrived, now in ((5, 0.5), (10, 1.0), (40, 3.0))]

    assert found == [None, None, 15.0], "the first second is not counted: connections open"


def test_rate_meter__a_connection_was_idle() -> None:
    meter = RateMeter(0.0)
    meter.rate(10, 1.0, 1.0)
    meter.mark_idle()

    assert meter.rate(40, 3.0, 1.0) is None
