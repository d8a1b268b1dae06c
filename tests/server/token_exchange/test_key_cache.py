from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from studio_action.errors import Unreachable
from studio_action.server.token_exchange.issuer_keys import IssuerKey
from studio_action.server.token_exchange.key_cache import FRESH, PAUSE, STALE, KeyCache
from tests.server.lines import Lines

ISSUER = "https://id.example.org"
FIRST = IssuerKey("first", "RS256", None)
SECOND = IssuerKey("second", "RS256", None)


@dataclass
class World:
    """An issuer that is asked by a clock of the test's own."""

    keys: tuple[IssuerKey, ...] = (FIRST,)
    seconds: float = 0.0
    asked: int = 0
    down: bool = False
    meanwhile: Callable[[], None] = lambda: None
    lines: Lines = field(default_factory=Lines)

    def fetch(self, issuer: str) -> tuple[IssuerKey, ...]:
        assert issuer == ISSUER
        self.asked += 1
        self.meanwhile()
        if self.down:
            raise Unreachable("nobody listens")
        return self.keys

    def cache(self) -> KeyCache:
        return KeyCache([ISSUER], self.fetch, lambda: self.seconds, self.lines.log)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def cache(world: World) -> KeyCache:
    return world.cache()


def test_find__is_asked_for_once_an_hour(world: World, cache: KeyCache) -> None:
    assert cache.find(ISSUER, "first", "RS256") is FIRST
    world.seconds = FRESH - 1
    assert cache.find(ISSUER, "first", "RS256") is FIRST
    assert world.asked == 1
    world.seconds = FRESH
    assert cache.find(ISSUER, "first", "RS256") is FIRST
    assert world.asked == 2


def test_find__another_algorithm(world: World, cache: KeyCache) -> None:
    assert cache.find(ISSUER, "first", "PS256") is None


def test_find__an_unknown_key_is_looked_up(world: World, cache: KeyCache) -> None:
    assert cache.find(ISSUER, "first", "RS256") is FIRST
    world.keys = (SECOND,)
    world.seconds = PAUSE
    assert cache.find(ISSUER, "second", "RS256") is SECOND
    world.seconds += PAUSE
    assert cache.find(ISSUER, "first", "RS256") is None


def test_find__unknown_keys_are_not_looked_up_again_at_once(world: World, cache: KeyCache) -> None:
    assert cache.find(ISSUER, "unknown", "RS256") is None
    world.seconds = PAUSE - 1
    for number in range(50):
        with pytest.raises(Unreachable, match="keys were requested a moment ago"):
            cache.find(ISSUER, f"unknown-{number}", "RS256")
    assert cache.find(ISSUER, "first", "RS256") is FIRST
    assert world.asked == 1


def test_find__while_the_issuer_is_down(world: World, cache: KeyCache) -> None:
    assert cache.find(ISSUER, "first", "RS256") is FIRST
    world.down = True
    for world.seconds in (FRESH, FRESH + PAUSE - 1, FRESH + PAUSE, STALE - 1):
        assert cache.find(ISSUER, "first", "RS256") is FIRST
    assert world.asked == 4
    assert world.lines.all[-1]["message"] == "an issuer's keys cannot be read"
    world.seconds = STALE
    with pytest.raises(Unreachable):
        cache.find(ISSUER, "first", "RS256")


def test_find__down_from_the_start(world: World, cache: KeyCache) -> None:
    world.down = True
    for _ in range(3):
        with pytest.raises(Unreachable):
            cache.find(ISSUER, "first", "RS256")
    assert world.asked == 1
    world.down, world.seconds = False, PAUSE
    assert cache.find(ISSUER, "first", "RS256") is FIRST


def test_find__a_known_key_does_not_wait_for_the_issuer(world: World, cache: KeyCache) -> None:
    assert cache.find(ISSUER, "first", "RS256") is FIRST
    entered, leave = threading.Event(), threading.Event()
    world.seconds = FRESH

    def meanwhile() -> None:
        entered.set()
        assert leave.wait(10)

    world.meanwhile = meanwhile
    slow = threading.Thread(target=cache.find, args=(ISSUER, "first", "RS256"))
    slow.start()
    assert entered.wait(10)
    assert cache.find(ISSUER, "first", "RS256") is FIRST  # while the other is still fetching
    leave.set()
    slow.join()
    assert world.asked == 2


def test_find__many_at_once_ask_once(world: World, cache: KeyCache) -> None:
    found = []
    together = threading.Barrier(8)

    def find() -> None:
        together.wait()
        found.append(cache.find(ISSUER, "first", "RS256"))

    threads = [threading.Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [FIRST] * 8
    assert world.asked == 1
