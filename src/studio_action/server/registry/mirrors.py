"""Mirrors of the repositories that are served: their tags, commits and trees, without content.

A mirror is asked for often and fetched seldom: when it is old, or the repository was pushed to.
One caller fetches, and the others wait for what comes. Where the repository cannot be reached, the
last good answer counts for a while, and the repository is not asked again with each request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from studio_action.errors import DeadlinePassed, Unreachable
from studio_action.gitrepo.git.failures import BrokenRepository
from studio_action.gitrepo.git.objects import KnownObjects, Objects
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.gitrepo.gto.history import Model
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName
from studio_action.net.clock import Clock
from studio_action.server.registry.mirror_fetcher import (
    FETCH,
    GitFor,
    Log,
    MirrorFetcher,
    Outside,
    PushCounts,
)
from studio_action.server.registry.mirror_folders import MirrorFolder, State
from studio_action.server.settings import ServedRepository, ServerSettings

WAIT = 3.0
"""Seconds that one waits for another's fetch before what is known is served."""
LONG_WAIT = 30.0
"""Seconds that one waits where nothing is known that would do."""
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the tags of a repository said at one moment, which is in UTC.

    `events` has the newest first; `generation` is what `Mirrors.opened` opens. It is `failing` if
    the repository could not be fetched since.
    """

    models: Mapping[ModelName, Model]
    events: Mapping[ModelName, Sequence[Event]]
    refreshed: datetime
    generation: str
    failing: bool


class Mirrors:
    """The mirrors of all repositories, below `data_dir`; safe to use from any thread."""

    def __init__(
        self,
        settings: ServerSettings,
        git_for: GitFor,
        pushes: PushCounts,
        utc: Callable[[], datetime],
        log: Log,
        clock: Clock = Clock(),  # noqa: B008 - frozen
    ) -> None:
        outside = Outside(git_for, pushes, utc, log, clock)
        folder = settings.data_dir / "mirrors"
        self._mirrors = {
            each.name: _Mirror(each, MirrorFolder(folder / quote(each.name, safe="")), outside)
            for each in settings.repositories
        }

    def snapshot(self, repository: ServedRepository) -> Snapshot:
        """What the tags say, no older than the repository's `refresh` and its last push.

        Raises `TokenRefused`, `NoSuchModel`, `Unreachable` or `WorkspaceRefused` where it cannot be
        fetched, and was not within `stale_for`.
        """
        return self._mirrors[repository.name].current()

    def refresh(self, repository: ServedRepository) -> None:
        """Ask the repository itself, now; raises what `snapshot` does, however old that is."""
        self._mirrors[repository.name].refresh()

    @contextmanager
    def opened(self, repository: ServedRepository, snapshot: Snapshot) -> Iterator[Repository]:
        """The mirror as it was then, for one thread; raise `BrokenRepository` if it is gone."""
        with self._mirrors[repository.name].opened(snapshot.generation) as found:
            yield found

    def replaced(self, repository: ServedRepository, snapshot: Snapshot) -> bool:
        """Whether a mirror that turned out to be broken has been replaced by now."""
        return self._mirrors[repository.name].replaced(snapshot.generation)

    def objects(self, repository: ServedRepository) -> Path:
        """The folder for contents of files, by the names of their Git objects."""
        return self._mirrors[repository.name].folder.objects

    def states(self) -> Mapping[str, State]:
        """What any process knows of each mirror, by the repository's name."""
        return {name: each.folder.state() for name, each in self._mirrors.items()}


class _Mirror:
    """One repository's mirror, as this process has it."""

    def __init__(
        self, repository: ServedRepository, folder: MirrorFolder, outside: Outside
    ) -> None:
        self.folder = folder
        self._repository, self._outside = repository, outside
        self._fetching = MirrorFetcher(repository, folder, outside)
        self._reading = threading.Lock()
        self._known: tuple[State, Sequence[TagRef], Snapshot] | None = None
        self._fetched = "", KnownObjects()

    def current(self) -> Snapshot:
        for _ in range(_ATTEMPTS):
            state = self._up_to_date()
            try:
                return self._read(state)
            except BrokenRepository:
                if not self.replaced(state.generation):
                    raise
        raise self._busy()

    def refresh(self) -> None:
        state = self._fetching.attempted(self._fetching.now(), lambda state: True, LONG_WAIT)
        if state is None:
            raise self._busy()
        if state.failure:
            raise state.failure.error

    def replaced(self, generation: str) -> bool:
        return self._fetching.replaced(generation, LONG_WAIT)

    def _up_to_date(self) -> State:
        """What is known, once it is new enough."""
        now, pushes = self._fetching.now(), self._outside.pushes.count(self._repository.name)
        state = self.folder.state()
        if not self._fetching.is_due(state, now, pushes):
            return self._usable(state, now)
        would_do = pushes <= state.pushes and self._is_good(state, now)
        after = self._fetching.attempted(
            now,
            lambda state: self._fetching.is_due(state, now, pushes),
            WAIT if would_do else LONG_WAIT,
        )
        if after is None and not would_do:
            raise self._busy()
        return self._usable(after or state, now)

    def _is_good(self, state: State, now: float) -> bool:
        """Whether what is known may be served."""
        known = state.generation and state.place == self._fetching.url
        return bool(known) and now - state.refreshed <= self._repository.stale_for

    def _usable(self, state: State, now: float) -> State:
        if state.failure and not self._is_good(state, now):
            raise state.failure.error
        return state

    def _read(self, state: State) -> Snapshot:
        """The snapshot of a state; the tags are read again where the state is another."""
        known = self._known
        if known and known[0] == state:
            return known[2]
        with self._reading:
            if self._known and self._known[0] == state:
                return self._known[2]
            with self.opened(state.generation) as repository:
                tags = repository.tags()
            snapshot = self._snapshot(state, tags)
            self._known = state, tags, snapshot
            return snapshot

    def _snapshot(self, state: State, tags: Sequence[TagRef]) -> Snapshot:
        if self._known and self._known[1] == tags:
            models, events = self._known[2].models, self._known[2].events
        else:
            models = history.read(tags)
            events = timeline.read(tags, models)
        refreshed = datetime.fromtimestamp(state.refreshed, timezone.utc)
        return Snapshot(models, events, refreshed, state.generation, state.failure is not None)

    @contextmanager
    def opened(self, generation: str) -> Iterator[Repository]:
        git = self._outside.git_for(self._repository, FETCH)
        path, url = self.folder.repository(generation), self._fetching.url
        fetched = self._fetched_of(generation)
        objects = Objects(path, git, url, kept=self.folder.objects, fetched=fetched)
        try:
            with (
                self.folder.reading(generation),
                Repository(path, git, url, objects=objects) as repository,
            ):
                yield repository
        except DeadlinePassed as error:
            raise Unreachable(
                f"files of {self._repository.name} did not come within {FETCH:g} seconds"
            ) from error
        except BrokenRepository as error:
            raise BrokenRepository(
                f"the server's copy of {self._repository.name} cannot be read", "Try again"
            ) from error

    def _fetched_of(self, generation: str) -> KnownObjects:
        """What is known to be in a generation; shared by all who read it."""
        name, fetched = self._fetched
        if name != generation:
            fetched = KnownObjects()
            self._fetched = generation, fetched
        return fetched

    def _busy(self) -> Unreachable:
        return Unreachable(f"{self._repository.name} is still being fetched", "Try again soon")
