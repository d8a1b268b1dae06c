"""Repositories read side by side for a page, which waits for none of them for long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime
from threading import Lock, Semaphore, Thread

from studio_action.errors import StudioActionError
from studio_action.gitrepo.gto.history import Model
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName
from studio_action.server.registry.models import Catalogue, Models
from studio_action.server.settings import ServedRepository

PATIENCE = 5.0
"""Seconds that a page waits for repositories that are being fetched."""

_AT_ONCE = 8

_UNREAD = "The repository could not be read. The server's log says why; try again in a minute."
_BUSY = "The repository is still being read. Look again in a moment."
_STALE = "The repository could not be reached since, so this may be out of date."


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of a repository: its catalogue, if any, and a `problem` for people, if any."""

    catalogue: Catalogue | None = None
    problem: str = ""

    @property
    def refreshed(self) -> datetime | None:
        """When its tags were read."""
        return self.catalogue.refreshed if self.catalogue else None

    @property
    def events(self) -> Mapping[ModelName, Sequence[Event]]:
        """What happened to each model, the newest first."""
        return self.catalogue.events if self.catalogue else {}

    def within(self, subdir: str) -> Sequence[Model]:
        """The models of a project of the folder `subdir`, '' for the whole repository."""
        models = self.catalogue.models if self.catalogue else {}
        below = f"{subdir}/" if subdir else ""
        return [it for name, it in models.items() if f"{name.folder}/".startswith(below)]


class Readings:
    """Asks `models` for catalogues, for each repository in one thread at a time."""

    def __init__(
        self, models: Models, log: Callable[..., None], patience: float = PATIENCE
    ) -> None:
        self._models, self._log, self._patience = models, log, patience
        self._turns = Semaphore(_AT_ONCE)
        self._running: dict[str, Future[Reading]] = {}
        self._lock = Lock()

    def of(self, repositories: Iterable[ServedRepository]) -> Mapping[str, Reading]:
        """Each repository's reading, by its name."""
        asked = {repository.name: self._started(repository) for repository in repositories}
        done, _ = wait(asked.values(), self._patience)
        busy = Reading(problem=_BUSY)
        return {name: each.result() if each in done else busy for name, each in asked.items()}

    def _started(self, repository: ServedRepository) -> Future[Reading]:
        with self._lock:
            running = self._running.get(repository.name)
            if running is not None:
                return running
            future = self._running[repository.name] = Future()
        # Nobody waits for it when the process ends: a fetch that is killed breaks nothing.
        Thread(target=self._run, args=(repository, future), daemon=True).start()
        return future

    def _run(self, repository: ServedRepository, future: Future[Reading]) -> None:
        try:
            with self._turns:
                future.set_result(self._read(repository))
        except Exception as error:
            future.set_exception(error)
        finally:
            with self._lock:
                del self._running[repository.name]

    def _read(self, repository: ServedRepository) -> Reading:
        try:
            catalogue = self._models.catalogue(repository)
        except StudioActionError as error:
            self._log(
                "a repository could not be read for a page",
                level="warning",
                repository=repository.name,
                error=str(error),
            )
            return Reading(problem=_UNREAD)
        return Reading(catalogue, _STALE if catalogue.failing else "")
