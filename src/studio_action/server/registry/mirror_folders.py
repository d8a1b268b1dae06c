"""The folder of one mirror, which all processes of this machine share.

    state.json    what is known of the mirror; replaced in one step
    lock          held by who fetches
    1/, 1.lock    a bare repository, and who reads it; a new one takes the next number
    objects/      contents of files, by the names of their Git objects

A process may be killed at any moment: what it left behind is not what `state.json` names, or is a
repository that git itself keeps whole.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio_action import errors
from studio_action.errors import StudioActionError
from studio_action.gitrepo.git.failures import BrokenRepository
from studio_action.net.clock import Deadline
from studio_action.workspace import locks
from studio_action.workspace.workspace import refused

_POLL = 0.02
"""Seconds between two looks whether another has done fetching."""
_FAILURES: dict[str, type[StudioActionError]] = {
    each.__name__: each
    for each in (
        errors.NoSuchModel,
        errors.TokenRefused,
        errors.UnexpectedAnswer,
        errors.Unreachable,
        errors.WorkspaceRefused,
    )
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a repository could not be fetched, as it can be kept in a file."""

    kind: str
    message: str
    hint: str

    @classmethod
    def of(cls, error: StudioActionError) -> Failure:
        """What is kept of an error."""
        kind = type(error).__name__
        return cls(kind if kind in _FAILURES else "Unreachable", error.message, error.hint)

    @property
    def error(self) -> StudioActionError:
        """The error once more."""
        return _FAILURES.get(self.kind, errors.Unreachable)(self.message, self.hint)


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a mirror. Moments are in seconds since 1970.

    `place` is where it was fetched from, `generation` the folder that it is in, '' for none.
    It was `refreshed` last, and the last attempt `began`, whatever came of it; `failure` if that
    was no good. `pushes` counts those that were known then.
    """

    place: str = ""
    generation: str = ""
    refreshed: float = 0.0
    began: float = 0.0
    pushes: int = -1
    failure: Failure | None = None


@dataclass(slots=True)
class MirrorFolder:
    """The folder at `root`; safe to use from any thread."""

    root: Path
    _seen: tuple[tuple[int, int], State] = field(default=((0, 0), State()), init=False)

    @property
    def objects(self) -> Path:
        """Where contents are, by the names of their objects."""
        return self.root / "objects"

    def repository(self, generation: str) -> Path:
        """Where a generation is."""
        return self.root / generation

    def state(self) -> State:
        """What any process has written last; cheap, as long as that is the same."""
        path = self.root / "state.json"
        try:
            found = path.stat()
        except FileNotFoundError:
            return State()
        mark = found.st_ino, found.st_mtime_ns
        seen, state = self._seen
        if seen != mark:
            state = _read_state(path)
            self._seen = mark, state
        return state

    def save(self, state: State) -> None:
        """Let every process know."""
        new = self.root / "state.json.new"
        with _explained(self.root):
            new.write_text(json.dumps(asdict(state)), "utf-8")
            new.replace(self.root / "state.json")

    @contextmanager
    def fetching(self, deadline: Deadline) -> Iterator[bool]:
        """The right to fetch, which one thread at a time has; False if it was not to be had."""
        with _explained(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "lock").open("ab")
        with lock:
            while not (ours := locks.try_lock(lock)) and deadline.remaining() > 0:
                deadline.clock.sleep(_POLL)
            yield ours

    @contextmanager
    def reading(self, generation: str) -> Iterator[None]:
        """Keep a generation from being removed; raise `BrokenRepository` where it is no more."""
        gone = BrokenRepository(
            f"there is no generation {generation} of the mirror {self.root.name!r}"
        )
        try:
            lock = self._lock(generation).open("rb")
        except FileNotFoundError:
            raise gone from None
        with lock:
            locks.lock_shared(lock)
            if locks.is_removed(lock):
                raise gone
            yield

    def forget_unfinished(self, before: float) -> None:
        """Remove what was being written to `objects` before that moment by who was killed."""
        for path in self.objects.glob(".*"):
            with suppress(FileNotFoundError):  # it has just been finished
                if path.stat().st_mtime < before:
                    path.unlink()

    def fresh(self, current: str) -> str:
        """The name of a generation after the `current` one; by who may fetch."""
        numbers = [int(path.stem) for path in self.root.glob("*.lock")]
        generation = str(max([int(current or 0), *numbers]) + 1)
        self.sweep(current)  # what others began, and were killed
        with _explained(self.root):
            self._lock(generation).touch()
        return generation

    def sweep(self, current: str) -> None:
        """Remove the generations but the `current` one that nobody reads; by who may fetch."""
        for path in self.root.glob("*.lock"):
            if path.stem != current:
                with path.open("rb") as lock:
                    if locks.try_lock(lock):
                        shutil.rmtree(self.root / path.stem, ignore_errors=True)
                        path.unlink()

    def packs(self, generation: str) -> int:
        """How many packs there are, and what was to become one."""
        return sum(
            path.name.endswith(".pack") or path.name.startswith("tmp_")
            for path in (self.root / generation / "objects" / "pack").glob("*")
        )

    def _lock(self, generation: str) -> Path:
        return self.root / f"{generation}.lock"


@contextmanager
def _explained(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused("a mirror cannot be kept", place, error) from error


def _read_state(path: Path) -> State:
    """What the file says; what cannot be read says nothing."""
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
        failure = Failure(**told.pop("failure")) if told["failure"] else told.pop("failure")
        return State(**told, failure=failure)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return State()
