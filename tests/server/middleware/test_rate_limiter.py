from __future__ import annotations

import threading
import tracemalloc

import pytest

from studio_action.server.middleware import counters
from studio_action.server.middleware.counters import Count, Counters
from studio_action.server.middleware.rate_limiter import RateLimiter
from tests.fakes import Time


def limiter(counted: Counters, per_minute: int = 6) -> RateLimiter:
    return RateLimiter("requests", per_minute, counted)


def test_limit__so_many_in_a_minute_from_the_first_on() -> None:
    time = Time()
    limit = limiter(Counters(lambda: time.now))

    for _ in range(6):
        assert limit.resets_in("a") == 0
        limit.hit("a")
        time.now += 5

    assert limit.resets_in("a") == 30
    assert limit.resets_in("b") == 0
    time.now += 30
    assert limit.resets_in("a") == 0


def test_limit__others_over_the_same_counters_count_something_else() -> None:
    counted = Counters(lambda: 0.0)
    limiter(counted, 1).hit("a")

    assert RateLimiter("refusals", 1, counted).resets_in("a") == 0
    assert limiter(counted, 1).resets_in("a") == 60


def test_counters__remember_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "MOST_KEYS", 3)
    limit = limiter(Counters(lambda: 0.0), 1)

    for key in "abcad":
        limit.hit(key)

    assert {key: limit.resets_in(key) > 0 for key in "abcd"} == {
        "a": True,
        "b": False,
        "c": True,
        "d": True,
    }


@pytest.mark.servers  # for it takes a while, and is the same on every Python
def test_counters__take_no_more_memory_for_more_addresses() -> None:
    limit = limiter(Counters(lambda: 0.0), 600)
    used = []
    tracemalloc.start()
    try:
        for address in range(2 * counters.MOST_KEYS):
            limit.hit(f"2001:db8:{address >> 16:x}:{address & 0xFFFF:x}::/64")
            if address + 1 in (counters.MOST_KEYS, 2 * counters.MOST_KEYS):
                used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()

    assert used[0] < 50 << 20
    assert used[1] < 1.5 * used[0]


def test_take__each_hit_once_those_with_most_first() -> None:
    counted = Counters(lambda: 0.0)
    for key in "abb":
        counted.incr(key, 60)

    assert counted.take(1) == {"b": Count(2, 60)}
    counted.incr("b", 60)
    assert counted.take(9) == {"a": Count(1, 60), "b": Count(1, 60)}
    assert counted.take(9) == {}


def test_take__what_did_not_reach_the_others_again() -> None:
    counted = Counters(lambda: 0.0)
    counted.incr("a", 60)
    taken = counted.take(9)
    counted.incr("a", 60)

    counted.give_back(taken)

    assert counted.take(9) == {"a": Count(2, 60)}


def test_take__nothing_of_a_window_that_has_ended() -> None:
    time = Time()
    counted = Counters(lambda: time.now)
    counted.incr("a", 60)
    time.now += 60

    assert counted.take(9) == {}
    counted.incr("a", 60)
    assert counted.take(9) == {"a": Count(1, 120)}


def test_merge__what_all_had_and_what_they_do_not_know_yet() -> None:
    counted = Counters(lambda: 10.0)
    counted.incr("a", 60)
    counted.take(9)
    counted.incr("a", 60)

    counted.merge({"a": Count(5, 40.0), "b": Count(7, 50.0), "gone": Count(9, 10.0)})

    assert [counted.get(key) for key in ("a", "b", "gone")] == [6, 7, 0]
    assert counted.get_expiry("a") == 40.0


def test_counters__by_many_threads() -> None:
    counted = Counters(lambda: 0.0)
    taken: list[int] = []

    def hit() -> None:
        for _ in range(500):
            counted.incr("a", 60)

    threads = [threading.Thread(target=hit) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += [each.hits for each in counted.take(9).values()]
    taken += [each.hits for each in counted.take(9).values()]

    assert (sum(taken), counted.get("a")) == (2000, 2000)
