"""Reads several repositories in parallel for a page, without waiting long for any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock, Semaphore, Thread

from studio_action.errors import StudioActionError
from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.gitrepo.gto.history import Model
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName
from studio_action.server.registry.models import Catalogue, Models
from studio_action.server.settings import ServedRepository

PATIENCE = 5.0
"""The seconds that a page waits for repositories that are being fetched."""

_MOST_THREADS = 8
MOST_WAITING = 4
"""The pages that wait for one repository at the same time; further ones do not wait for it."""

_UNREAD = "The repository cannot be read. The server's log says why; try again in a minute."
_BUSY = "The repository is still being read. Reload the page in a moment."
_STALE = "The repository is unreachable, so this may be out of date."


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a repository: its catalogue, and a message about any `problem`.

    `annotations` are those of its default branch.
    """

    catalogue: Catalogue | None = None
    problem: str = ""
    annotations: Mapping[ModelName, Annotation] = field(default_factory=dict)

    @property
    def refreshed(self) -> datetime | None:
        """When its tags were last read, in UTC."""
        return self.catalogue.refreshed if self.catalogue else None

    @property
    def events(self) -> Mapping[ModelName, Sequence[Event]]:
        """The events of each model, newest first."""
        return self.catalogue.events if self.catalogue else {}

    def within(self, subdir: str) -> Sequence[Model]:
        """Return the models below the folder `subdir`, '' for the whole repository."""
        models = self.catalogue.models if self.catalogue else {}
        return [it for name, it in models.items() if name.is_below(subdir)]


class RepositoryReader:
    """Reads the catalogues of repositories, each in one thread at a time."""

    def __init__(
        self, models: Models, log: Callable[..., None], patience: float = PATIENCE
    ) -> None:
        self._models, self._log, self._patience = models, log, patience
        self._semaphore = Semaphore(_MOST_THREADS)
        self._running: dict[str, Future[Reading]] = {}
        self._waiting: Counter[str] = Counter()
        self._lock = Lock()

    def read(self, repositories: Iterable[ServedRepository]) -> Mapping[str, Reading]:
        """Return the reading of each repository, by its name."""
        futures = {repository.name: self._start(repository) for repository in repositories}
        with self._waiting_for([name for name, each in futures.items() if not each.done()]) as few:
            wait([futures[name] for name in few], self._patience)
        busy = Reading(problem=_BUSY)
        return {name: each.result() if each.done() else busy for name, each in futures.items()}

    @contextmanager
    def _waiting_for(self, names: Iterable[str]) -> Iterator[Sequence[str]]:
        """Count as waiting for those of the named repositories that few wait for; yield which."""
        with self._lock:
            few = [name for name in names if self._waiting[name] < MOST_WAITING]
            self._waiting.update(few)
        try:
            yield few
        finally:
            with self._lock:
                self._waiting.subtract(few)

    def _start(self, repository: ServedRepository) -> Future[Reading]:
        with self._lock:
            running = self._running.get(repository.name)
            if running is not None:
                return running
            future = self._running[repository.name] = Future()
        # A daemon, so that the process need not wait for it: a killed fetch breaks nothing.
        Thread(target=self._run, args=(repository, future), daemon=True).start()
        return future

    def _run(self, repository: ServedRepository, future: Future[Reading]) -> None:
        try:
            with self._semaphore:
                future.set_result(self._read_catalogue(repository))
        except Exception as error:
            future.set_exception(error)
        finally:
            with self._lock:
                del self._running[repository.name]

    def _read_catalogue(self, repository: ServedRepository) -> Reading:
        try:
            catalogue = self._models.catalogue(repository)
        except StudioActionError as error:
            self._log(
                "a repository cannot be read for a page",
                level="warning",
                repository=repository.name,
                error=str(error),
            )
            return Reading(problem=_UNREAD)
        problem = _STALE if catalogue.failing else ""
        return Reading(catalogue, problem, self._read_annotations(repository))

    def _read_annotations(self, repository: ServedRepository) -> Mapping[ModelName, Annotation]:
        """Return what the default branch says of the models; nothing if it cannot be read."""
        try:
            return self._models.annotations(repository)
        except StudioActionError as error:
            self._log(
                "types and labels of models cannot be read for a page",
                level="warning",
                repository=repository.name,
                error=str(error),
            )
            return {}
