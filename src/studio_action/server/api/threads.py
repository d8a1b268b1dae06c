"""Threads for what may block, so many for each repository: one that hangs holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from studio_action.server.settings import ServedRepository

WIDTH = 16
"""Requests about one repository that are answered at once; the others wait without a thread."""

Answer = TypeVar("Answer")


class Lanes:
    """The threads of the served repositories."""

    def __init__(self, repositories: Iterable[ServedRepository]) -> None:
        self._lanes = {each.name: CapacityLimiter(WIDTH) for each in repositories}

    async def run(self, repository: ServedRepository, ask: Callable[[], Answer]) -> Answer:
        """What `ask` answers in a thread, once it is its turn; it raises what `ask` raises."""
        return await to_thread.run_sync(ask, limiter=self._lanes[repository.name])
