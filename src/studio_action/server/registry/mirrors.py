"""Mirrors of the served repositories: their tags, commits and trees, without file contents.

A mirror is fetched when it is old or the repository was pushed to. One thread of one process
fetches, and the others wait for it. While the repository is unreachable, the last good state is
served for a while, and not every request tries to fetch again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from studio_action.errors import (
    BadInput,
    DeadlinePassed,
    StudioActionError,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.gitrepo.git.failures import BrokenRepository
from studio_action.gitrepo.git.objects import KnownObjects, Objects
from studio_action.gitrepo.git.repository import REFS, Repository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.gitrepo.gto.history import Model
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName
from studio_action.net.clock import Clock
from studio_action.policy.reading import read_content
from studio_action.server.registry.mirror_fetcher import (
    FETCH,
    FetchContext,
    GitFor,
    Log,
    MirrorFetcher,
    PushCounts,
)
from studio_action.server.registry.mirror_folders import MirrorFolder, State
from studio_action.server.settings import ServedRepository, ServerSettings
from studio_action.studio.resolve import CommittedPolicy

WAIT = 3.0
"""The seconds to wait for another's fetch before serving the last known state."""
LONG_WAIT = 30.0
"""The seconds to wait for it if no known state may be served."""
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The models of a repository as its tags described them at `refreshed`, in UTC.

    `events` are newest first. `generation` names the copy that `Mirrors.opened` opens. `failing` if
    the repository could not be fetched since. `policy` is that of the default branch, None where
    that is not known, or why it cannot be read.
    """

    models: Mapping[ModelName, Model]
    events: Mapping[ModelName, Sequence[Event]]
    refreshed: datetime
    generation: str
    failing: bool
    policy: CommittedPolicy | StudioActionError | None = None
    tags: Sequence[TagRef] = ()


class Mirrors:
    """The mirrors of all repositories, in the data folder; safe to use from any thread."""

    def __init__(
        self,
        settings: ServerSettings,
        git_for: GitFor,
        pushes: PushCounts,
        utc: Callable[[], datetime],
        log: Log,
        clock: Clock = Clock(),  # noqa: B008 - frozen
    ) -> None:
        context = FetchContext(git_for, pushes, utc, log, clock)
        folder = settings.data_dir / "mirrors"
        self._mirrors = {
            each.name: _Mirror(each, MirrorFolder(folder / quote(each.name, safe="")), context)
            for each in settings.repositories
        }

    def snapshot(self, repository: ServedRepository) -> Snapshot:
        """Return the models, no older than the repository's `refresh` and its last push.

        If it cannot be fetched, return a snapshot up to `stale_for` old; raise `TokenRefused`,
        `NoSuchModel`, `Unreachable` or `WorkspaceRefused` if there is none.
        """
        return self._mirrors[repository.name].current()

    def known(self, repository: ServedRepository) -> Snapshot | None:
        """Return the snapshot if it is known to be up to date without asking; never blocks."""
        return self._mirrors[repository.name].known()

    def refresh(self, repository: ServedRepository) -> None:
        """Fetch the repository now; raise the errors of `snapshot` if that fails."""
        self._mirrors[repository.name].refresh()

    @contextmanager
    def opened(self, repository: ServedRepository, snapshot: Snapshot) -> Iterator[Repository]:
        """Yield the copy of a snapshot, for one thread; raise `BrokenRepository` if it is gone."""
        with self._mirrors[repository.name].opened(snapshot.generation) as copy:
            yield copy

    def replaced(self, repository: ServedRepository, snapshot: Snapshot) -> bool:
        """Replace the broken copy of a snapshot if nobody has; return whether it is replaced."""
        return self._mirrors[repository.name].replaced(snapshot.generation)

    def objects(self, repository: ServedRepository) -> Path:
        """Return the folder with the contents of files, by the names of their Git objects."""
        return self._mirrors[repository.name].folder.objects

    def states(self) -> Mapping[str, State]:
        """Return the state of each mirror, by the repository's name."""
        return {name: each.folder.state() for name, each in self._mirrors.items()}


class _Mirror:
    """One repository's mirror, as this process uses it."""

    def __init__(
        self, repository: ServedRepository, folder: MirrorFolder, context: FetchContext
    ) -> None:
        self.folder = folder
        self._repository, self._context = repository, context
        self._fetcher = MirrorFetcher(repository, folder, context)
        self._reading = threading.Lock()
        self._known: tuple[State, Sequence[TagRef], Snapshot] | None = None
        self._fetched = "", KnownObjects()
        self._checked: tuple[object, Snapshot] | None = None
        """The counts of pushes that were read when this snapshot was found to be up to date."""

    def current(self) -> Snapshot:
        """Return an up-to-date snapshot; see `Mirrors.snapshot`."""
        for _ in range(_ATTEMPTS):
            self._context.pushes.count(self._repository.name)  # so that they are fresh
            counts = self._context.pushes.last_read()
            state = self._up_to_date()
            try:
                snapshot = self._read(state)
                self._checked = (counts, snapshot) if self._stays(state) else None
                return snapshot
            except BrokenRepository:
                if not self.replaced(state.generation):
                    raise
        raise self._busy()

    def known(self) -> Snapshot | None:
        """Return the snapshot that was found up to date with the counts that still hold."""
        counts = self._context.pushes.last_read()
        checked = self._checked
        return checked[1] if checked and counts is not None and checked[0] is counts else None

    def _stays(self, state: State) -> bool:
        """Return whether the state will not be fetched for its age within two seconds."""
        soon = self._fetcher.now() + 2.0
        return not state.failure and not self._fetcher.is_due(state, soon, state.pushes)

    def refresh(self) -> None:
        """Fetch now; raise the error if that fails."""
        state = self._fetcher.fetch_if(self._fetcher.now(), lambda state: True, LONG_WAIT)
        if state is None:
            raise self._busy()
        if state.failure:
            raise state.failure.error

    def replaced(self, generation: str) -> bool:
        """Replace a broken generation if nobody has; return whether it is replaced."""
        return self._fetcher.replaced(generation, LONG_WAIT)

    def _up_to_date(self) -> State:
        """Return the state; fetch first if it is due."""
        now, pushes = self._fetcher.now(), self._context.pushes.count(self._repository.name)
        state = self.folder.state()
        if not self._fetcher.is_due(state, now, pushes):
            return self._usable(state, now)
        may_serve = pushes <= state.pushes and self._is_good(state, now)
        after = self._fetcher.fetch_if(
            now,
            lambda state: self._fetcher.is_due(state, now, pushes),
            WAIT if may_serve else LONG_WAIT,
        )
        if after is None and not may_serve:
            raise self._busy()
        return self._usable(after or state, now)

    def _is_good(self, state: State, now: float) -> bool:
        """Return whether the known state may be served, though it is not new."""
        known = state.generation and state.place == self._fetcher.url
        return bool(known) and now - state.refreshed <= self._repository.stale_for

    def _usable(self, state: State, now: float) -> State:
        """Return the state if it may be served; raise the error of its last fetch if not."""
        if state.failure and not self._is_good(state, now):
            raise state.failure.error
        return state

    def _read(self, state: State) -> Snapshot:
        """Return the snapshot of a state; read the tags again only if the state has changed."""
        known = self._known
        if known and known[0] == state:
            return known[2]
        with self._reading:
            if self._known and self._known[0] == state:
                return self._known[2]
            with self.opened(state.generation) as repository:
                tags = repository.tags()
                policy = _policy_of(repository)
            snapshot = replace(self._snapshot(state, tags), policy=policy, tags=tags)
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
        """Yield the copy of a generation; see `Mirrors.opened`."""
        git = self._context.git_for(self._repository, FETCH)
        path, url = self.folder.repository(generation), self._fetcher.url
        fetched = self._fetched_objects(generation)
        objects = Objects(path, git, url, self.folder.objects, REFS, fetched)
        try:
            with (
                self.folder.reading(generation),
                Repository(path, git, url, objects=objects) as repository,
            ):
                yield repository
        except DeadlinePassed as error:
            raise Unreachable(
                f"files of {self._repository.name} did not arrive within {FETCH:g} seconds"
            ) from error
        except BrokenRepository as error:
            raise BrokenRepository(
                f"the server's copy of {self._repository.name} cannot be read", "Try again"
            ) from error

    def _fetched_objects(self, generation: str) -> KnownObjects:
        """Return the record of objects fetched into a generation, shared by all its readers."""
        name, fetched = self._fetched
        if name != generation:
            fetched = KnownObjects()
            self._fetched = generation, fetched
        return fetched

    def _busy(self) -> Unreachable:
        return Unreachable(f"{self._repository.name} is still being fetched", "Try again soon")


def _policy_of(repository: Repository) -> CommittedPolicy | StudioActionError | None:
    """Return the policy of the default branch, None where that is not known, or what failed."""
    try:
        revision = repository.default_branch()
        if revision is None:
            return None
        content = read_content(revision) or b""
        return CommittedPolicy(revision.revision, content.decode())
    except (BadInput, UnicodeDecodeError) as error:
        return UnexpectedAnswer(f"the policy of the repository cannot be read: {error}")
    except BrokenRepository:
        raise
    except StudioActionError as error:
        return error
