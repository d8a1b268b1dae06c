from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from studio_action.server.registry.keyed_locks import KeyedLocks


def test_of__one_at_a_time() -> None:
    locks, inside, most = KeyedLocks(), 0, 0

    def enter(_: int) -> None:
        nonlocal inside, most
        with locks.hold("name"):
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(enter, range(500)))

    assert most == 1


def test_of__other_names_do_not_wait() -> None:
    locks, both = KeyedLocks(), Barrier(2, timeout=10)

    def enter(name: str) -> None:
        with locks.hold(name):
            both.wait()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(enter, ["one", "another"]))


def test_of__nothing_stays() -> None:
    locks = KeyedLocks()
    with locks.hold("name"):
        assert len(locks._locks) == 1

    gc.collect()
    assert len(locks._locks) == 0
