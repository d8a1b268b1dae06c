from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from studio_action.server.api.threads import THREADS_EACH, RepositoryThreads
from studio_action.server.settings import ServedRepository

SLOW, OTHER = ServedRepository("acme/slow", Path("/slow")), ServedRepository("acme/b", Path("/b"))


def test_run__a_repository_that_hangs_holds_up_no_other() -> None:
    well_again = threading.Event()

    async def many() -> list[str]:
        threads = RepositoryThreads([SLOW, OTHER])
        waiting = [
            asyncio.create_task(threads.run(SLOW, lambda: well_again.wait(10)))
            for _ in range(4 * THREADS_EACH)
        ]
        answers = [await threads.run(OTHER, lambda: "at once") for _ in range(3)]
        well_again.set()
        assert all(await asyncio.gather(*waiting))
        return answers

    assert asyncio.run(many()) == ["at once"] * 3


def test_run__so_many_at_once() -> None:
    lock, running, most = threading.Lock(), 0, 0
    together = threading.Barrier(THREADS_EACH)

    def ask() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(10)
        with lock:
            running -= 1

    async def many() -> None:
        threads = RepositoryThreads([SLOW])
        await asyncio.gather(*(threads.run(SLOW, ask) for _ in range(3 * THREADS_EACH)))

    asyncio.run(many())
    assert most == THREADS_EACH


def test_run__what_is_raised() -> None:
    def fail() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        asyncio.run(RepositoryThreads([SLOW]).run(SLOW, fail))
