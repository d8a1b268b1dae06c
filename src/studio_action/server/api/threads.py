"""Threads for blocking calls, limited per repository, so that a slow one delays no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from studio_action.server.settings import ServedRepository

THREADS_EACH = 16
"""The threads of one repository; further requests wait without a thread."""

Result = TypeVar("Result")


class RepositoryThreads:
    """The threads for each served repository."""

    def __init__(self, repositories: Iterable[ServedRepository]) -> None:
        self._limiters = {each.name: CapacityLimiter(THREADS_EACH) for each in repositories}

    def of(self, repository: str) -> CapacityLimiter | None:
        """Return the threads of the repository of this name; None if it is not served."""
        return self._limiters.get(repository)

    async def run(self, repository: ServedRepository, call: Callable[[], Result]) -> Result:
        """Run `call` in one of the repository's threads; return or raise what it does."""
        return await to_thread.run_sync(call, limiter=self._limiters[repository.name])
