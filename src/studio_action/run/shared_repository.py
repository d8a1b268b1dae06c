"""A repository that several parts of a run read, opened when the first one needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from studio_action.errors import StudioActionError
from studio_action.gitrepo.git.repository import Repository


@dataclass(slots=True)
class SharedRepository:
    """Opens a repository at most once, whether that succeeds or fails; close it in the end."""

    open: Callable[[], Repository]
    _opened: Repository | StudioActionError | None = field(default=None, init=False)

    def __call__(self) -> Repository:
        """Return the repository; raise what opening it raised, each time."""
        if self._opened is None:
            try:
                self._opened = self.open()
            except StudioActionError as error:
                self._opened = error
        if isinstance(self._opened, StudioActionError):
            raise self._opened
        return self._opened

    def close(self) -> None:
        """End the processes that read, if it was opened."""
        if isinstance(self._opened, Repository):
            self._opened.close()
