"""How one mirror is brought up to date: by one caller at a time, over threads and processes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from studio_action.errors import DeadlinePassed, StudioActionError, Unreachable
from studio_action.gitrepo.git.credential import has_ssh_key
from studio_action.gitrepo.git.failures import BrokenRepository
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.repository import Repository
from studio_action.net.clock import Clock, Deadline
from studio_action.server.registry.mirror_folders import Failure, MirrorFolder, State
from studio_action.server.settings import ServedRepository

FIRST_FETCH = 600.0
"""Seconds that the first fetch of a repository may take."""
FETCH = 60.0
"""Seconds that any other use of git may take."""
MOST_PACKS = 50
"""Packs that a mirror may have; each fetch that brings something adds one."""

_UNFINISHED = 24 * 3600.0
"""Seconds after which nobody is still writing a file."""
_DEFAULT_SERVER = "https://github.com"

GitFor = Callable[[ServedRepository, float], Git]
"""The git program for a repository, which has that many seconds from now on."""


Log = Callable[..., None]
"""Writes one line: `log(message, level="warning", **fields)`."""


class PushCounts(Protocol):
    """Tells how often repositories were pushed to."""

    def count(self, repository: str) -> int:
        """How many pushes there were to the repository of this name."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What fetching takes from outside; `utc` tells the moment, `clock` how long one has waited."""

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
    outside: Outside
    url: str = field(init=False)
    _made_anew: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.url = _url_of(self.repository, self.outside.git_for(self.repository, FETCH))

    def is_due(self, state: State, now: float, pushes: int) -> bool:
        """Whether the repository is to be asked, by its age and the count of its pushes."""
        return not self._is_young(state, now) or pushes > state.pushes or state.place != self.url

    def attempted(
        self, arrived: float, wanted: Callable[[State], bool], wait: float
    ) -> State | None:
        """The state after an attempt that began no earlier than the caller arrived.

        The attempt is made if the last state is still `wanted` to be newer. None if others are
        still at it after `wait` seconds.
        """
        with self._alone(wait) as ours:
            if not ours:
                return None
            state = self.folder.state()
            since = arrived < state.began <= self.now() and state.place == self.url
            if since or not wanted(state):
                return state
            return self._attempt(state)

    def replaced(self, generation: str, wait: float) -> bool:
        """Whether a generation that turned out to be broken has been replaced by now."""
        with self._alone(wait) as ours:
            state = self.folder.state()
            if state.generation != generation:
                return True
            waiting = state.failure is not None and self._is_young(state, self.now())
            if not ours or waiting or self._made_anew == generation:
                return False
            state = self._attempt(state, anew=True)
            self._made_anew = state.generation
            return state.failure is None

    def now(self) -> float:
        """The moment, in seconds since 1970."""
        return self.outside.utc().timestamp()

    def _is_young(self, state: State, now: float) -> bool:
        return 0 <= now - state.began < self.repository.refresh

    def _alone(self, wait: float) -> AbstractContextManager[bool]:
        return self.folder.fetching(Deadline(wait, self.outside.clock))

    def _attempt(self, state: State, *, anew: bool = False) -> State:
        """Fetch, and tell every process what came of it."""
        pushes = self.outside.pushes.count(self.repository.name)
        state = state if state.place == self.url else State(place=self.url)
        began = replace(state, began=self.now(), pushes=pushes)
        try:
            generation = self._fetch(began.generation, anew=anew)
        except StudioActionError as error:
            self._say_failed(began, error)
            self.folder.save(replace(began, failure=Failure.of(error)))
        else:
            self._say_well(began)
            done = replace(began, generation=generation, refreshed=began.began, failure=None)
            self.folder.save(done)
            self.folder.sweep(generation)
            self.folder.forget_unfinished(began.began - _UNFINISHED)
        return self.folder.state()

    def _fetch(self, generation: str, *, anew: bool) -> str:
        """The generation that has been fetched: the given one, or a new one in its place."""
        if generation and not anew and self.folder.packs(generation) <= MOST_PACKS:
            try:
                return self._fetch_into(generation, FETCH)
            except Unreachable as error:
                if not isinstance(error, BrokenRepository) and self._is_sound(generation):
                    raise
                anew = True
        if anew:
            self._say("a repository's copy is broken, and made anew")
        return self._fetch_into(self.folder.fresh(generation), FIRST_FETCH)

    def _fetch_into(self, generation: str, seconds: float) -> str:
        git = self.outside.git_for(self.repository, seconds)
        try:
            with Repository.clone_from(
                self.url, git, self.folder.repository(generation)
            ) as repository:
                repository.tags()  # fails if something is missing
        except DeadlinePassed as error:
            raise Unreachable(
                f"{self.url} did not give its tags within {seconds:g} seconds"
            ) from error
        return generation

    def _is_sound(self, generation: str) -> bool:
        """Whether a fetch failed for what is outside of the mirror alone."""
        path = self.folder.repository(generation)
        git = self.outside.git_for(self.repository, FETCH)
        left_locked = [*path.glob("*.lock"), *(path / "refs").rglob("*.lock")]
        try:
            return not left_locked and git.succeeds(path, "rev-list", "--all", "--quiet")
        except StudioActionError:
            return False

    def _say_failed(self, state: State, error: StudioActionError) -> None:
        if state.failure is None:
            known = "its last tags are served" if state.generation else "nothing is known of it"
            self._say(f"a repository cannot be fetched, {known}", error=str(error))

    def _say_well(self, state: State) -> None:
        if state.failure is not None:
            self._say("a repository can be fetched again")

    def _say(self, message: str, **fields: object) -> None:
        self.outside.log(message, repository=self.repository.name, **fields)


def _url_of(repository: ServedRepository, git: Git) -> str:
    """Where to fetch from: with a credential over https, else over ssh where there is a key."""
    if isinstance(repository.place, Path):
        return str(repository.place.absolute())
    over_ssh = git.credential is None and has_ssh_key(git.environ)
    return repository.place.fetch_url(_DEFAULT_SERVER, over_ssh=over_ssh)
