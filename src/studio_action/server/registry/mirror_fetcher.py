"""Fetches a mirror, in one thread of one process at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from studio_action.errors import DeadlinePassed, StudioActionError, Unreachable, WorkspaceRefused
from studio_action.gitrepo.git.credential import has_ssh_key
from studio_action.gitrepo.git.failures import BrokenRepository
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.repository import Repository
from studio_action.net.clock import Clock, Deadline
from studio_action.server.registry.mirror_folders import Failure, MirrorFolder, State
from studio_action.server.settings import ServedRepository

FIRST_FETCH = 600.0
"""The seconds that the first fetch of a repository may take."""
FETCH = 60.0
"""The seconds that any other use of git may take."""
MOST_PACKS = 50
"""The packs that a mirror may have before it is cloned again; most fetches add one."""

_UNFINISHED = 24 * 3600.0
"""The seconds after which nobody is still writing a file."""
_DEFAULT_SERVER = "https://github.com"

GitFor = Callable[[ServedRepository, float], Git]
"""Returns the git program for a repository, with that many seconds from now on."""


Log = Callable[..., None]
"""Writes one line: `log(message, level="warning", **fields)`."""


class PushCounts(Protocol):
    """Counts pushes to repositories."""

    def count(self, repository: str) -> int:
        """Return the number of pushes to the repository of this name."""
        ...

    def last_read(self) -> object | None:
        """Return what identifies the counts as they were read; None once they are read again."""
        ...


@dataclass(frozen=True, slots=True)
class FetchContext:
    """What fetching needs from the server; `utc` returns the time, `clock` measures waiting."""

    git_for: GitFor
    pushes: PushCounts
    utc: Callable[[], datetime]
    log: Log
    clock: Clock


@dataclass(slots=True)
class MirrorFetcher:
    """Fetches one repository into the folder of its mirror."""

    repository: ServedRepository
    folder: MirrorFolder
    context: FetchContext
    url: str = field(init=False)
    _replacement: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.url = _url_of(self.repository, self.context.git_for(self.repository, FETCH))

    def is_due(self, state: State, now: float, pushes: int) -> bool:
        """Return whether to fetch: the state is old, or there were pushes since."""
        return not self._is_young(state, now) or pushes > state.pushes or state.place != self.url

    def fetch_if(
        self, arrived: float, wanted: Callable[[State], bool], wait: float
    ) -> State | None:
        """Return the state after a fetch that began since `arrived`, in seconds since 1970.

        Fetch only if nobody else has and `wanted` says so of the last state. Return None if another
        thread or process is still fetching after `wait` seconds.
        """
        with self._lock(wait) as acquired:
            if not acquired:
                return None
            state = self.folder.state()
            is_newer = arrived < state.began <= self.now() and state.place == self.url
            if is_newer or not wanted(state):
                return state
            return self._try_fetch(state)

    def replaced(self, generation: str, wait: float) -> bool:
        """Replace a broken generation if nobody has; return whether it is replaced."""
        with self._lock(wait) as acquired:
            state = self.folder.state()
            if state.generation != generation:
                return True
            waiting = state.failure is not None and self._is_young(state, self.now())
            if not acquired or waiting or self._replacement == generation:
                return False
            state = self._try_fetch(state, replace_copy=True)
            self._replacement = state.generation
            return state.failure is None

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self.context.utc().timestamp()

    def _is_young(self, state: State, now: float) -> bool:
        return 0 <= now - state.began < self.repository.refresh

    def _lock(self, wait: float) -> AbstractContextManager[bool]:
        return self.folder.fetching(Deadline(wait, self.context.clock))

    def _try_fetch(self, state: State, *, replace_copy: bool = False) -> State:
        """Fetch, and save the outcome for every process; return the new state."""
        pushes = self.context.pushes.count(self.repository.name)
        state = state if state.place == self.url else State(place=self.url)
        began = replace(state, began=self.now(), pushes=pushes)
        try:
            generation = self._fetch(began.generation, replace_copy=replace_copy)
        except StudioActionError as error:
            self._log_failure(began, error)
            self._save(replace(began, failure=Failure.of(error)))
        else:
            self._log_recovery(began)
            done = replace(began, generation=generation, refreshed=began.began, failure=None)
            self._save(done)
            self.folder.sweep(generation)
            self.folder.forget_unfinished(began.began - _UNFINISHED)
        return self.folder.state()

    def _save(self, state: State) -> None:
        """Save the state; if the disk is full, only this process knows it."""
        try:
            self.folder.save(state)
        except WorkspaceRefused as error:
            self._log("the state of a mirror cannot be saved", error=str(error))
            self.folder.remember(state)

    def _fetch(self, generation: str, *, replace_copy: bool) -> str:
        """Fetch into the given generation, or a new one in its place; return which."""
        if generation and not replace_copy and self.folder.packs(generation) <= MOST_PACKS:
            try:
                return self._fetch_into(generation, FETCH)
            except Unreachable as error:
                if not isinstance(error, BrokenRepository) and self._is_sound(generation):
                    raise
                replace_copy = True
        if replace_copy:
            self._log("a repository's copy is broken; cloning it again")
        return self._fetch_into(self.folder.fresh(generation), FIRST_FETCH)

    def _fetch_into(self, generation: str, seconds: float) -> str:
        git = self.context.git_for(self.repository, seconds)
        try:
            with Repository.clone_from(
                self.url, git, self.folder.repository(generation), default_branch=True, durable=True
            ) as repository:
                repository.tags()  # raises if objects are missing
        except DeadlinePassed as error:
            raise Unreachable(
                f"{self.url} did not send its tags within {seconds:g} seconds"
            ) from error
        return generation

    def _is_sound(self, generation: str) -> bool:
        """Return whether the copy itself is intact, so that a fetch failed for another reason."""
        path = self.folder.repository(generation)
        git = self.context.git_for(self.repository, FETCH)
        left_locked = [*path.glob("*.lock"), *(path / "refs").rglob("*.lock")]
        try:
            return not left_locked and git.succeeds(path, "rev-list", "--all", "--quiet")
        except StudioActionError:
            return False

    def _log_failure(self, state: State, error: StudioActionError) -> None:
        if state.failure is None:
            known = "its last tags are served" if state.generation else "it was never fetched"
            self._log(f"a repository cannot be fetched, {known}", error=str(error))

    def _log_recovery(self, state: State) -> None:
        if state.failure is not None:
            self._log("a repository can be fetched again")

    def _log(self, message: str, **fields: object) -> None:
        self.context.log(message, repository=self.repository.name, **fields)


def _url_of(repository: ServedRepository, git: Git) -> str:
    """Return the URL to fetch: https with a credential, else ssh if there is a key."""
    if isinstance(repository.place, Path):
        return str(repository.place.absolute())
    over_ssh = git.credential is None and has_ssh_key(git.environ)
    return repository.place.fetch_url(_DEFAULT_SERVER, over_ssh=over_ssh)
