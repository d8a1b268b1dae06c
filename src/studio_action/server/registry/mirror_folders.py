"""The folder of one mirror, which all processes of this machine share.

    state.json    the state of the mirror; replaced atomically
    lock          locked by the process that fetches
    1/, 1.lock    a bare repository, and the lock of its readers; the next one has the next number
    objects/      the contents of files, by the names of their Git objects

A process may be killed at any moment: what it left behind is either not named in `state.json`, or a
repository that git itself keeps consistent.
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
"""The seconds between two attempts to lock for fetching."""
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
    """Why a repository could not be fetched; can be stored in a file."""

    kind: str
    message: str
    hint: str

    @classmethod
    def of(cls, error: StudioActionError) -> Failure:
        """Return the storable form of an error."""
        kind = type(error).__name__
        return cls(kind if kind in _FAILURES else "Unreachable", error.message, error.hint)

    @property
    def error(self) -> StudioActionError:
        """The error that was stored."""
        return _FAILURES.get(self.kind, errors.Unreachable)(self.message, self.hint)


@dataclass(frozen=True, slots=True)
class State:
    """The state of a mirror. Times are in seconds since 1970.

    `place` is the URL it was fetched from, `generation` the folder of the copy or ''. It was last
    fetched at `refreshed`; the last attempt began at `began` and failed for `failure`, if that is
    set. `pushes` is the number of pushes known then.
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
        """The folder with contents of files."""
        return self.root / "objects"

    def repository(self, generation: str) -> Path:
        """Return the folder of a generation."""
        return self.root / generation

    def state(self) -> State:
        """Return the last saved state of any process; cheap while the file is unchanged."""
        version = self._version()
        seen, state = self._seen
        if seen != version:
            state = _read_state(self._state_file)
            self._seen = version, state
        return state

    def save(self, state: State) -> None:
        """Save the state for every process."""
        new = self.root / "state.json.new"
        with _explained(self.root):
            new.write_text(json.dumps(asdict(state)), "utf-8")
            new.replace(self._state_file)

    def remember(self, state: State) -> None:
        """Use the state, which cannot be saved, until this or another process saves one."""
        self._seen = self._version(), state

    @contextmanager
    def fetching(self, deadline: Deadline) -> Iterator[bool]:
        """Lock the mirror for fetching until the deadline; yield whether that worked."""
        with _explained(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "lock").open("ab")
        with lock:
            while not (acquired := locks.try_lock(lock)) and deadline.remaining() > 0:
                deadline.clock.sleep(_POLL)
            yield acquired

    @contextmanager
    def reading(self, generation: str) -> Iterator[None]:
        """Keep a generation from being removed; raise `BrokenRepository` if it is gone."""
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
        """Remove unfinished files of killed processes in `objects`, older than `before`."""
        for path in self.objects.glob(".*"):
            with suppress(FileNotFoundError):  # it was just finished
                if path.stat().st_mtime < before:
                    path.unlink()

    def fresh(self, current: str) -> str:
        """Return a name for a new generation. Only call this while fetching is locked."""
        numbers = [int(path.stem) for path in self.root.glob("*.lock")]
        generation = str(max([int(current or 0), *numbers]) + 1)
        self.sweep(current)  # left by killed processes
        with _explained(self.root):
            self._lock(generation).touch()
        return generation

    def sweep(self, current: str) -> None:
        """Remove generations without readers, except `current`; call while fetching is locked."""
        for path in self.root.glob("*.lock"):
            if path.stem != current:
                with path.open("rb") as lock:
                    if locks.try_lock(lock):
                        shutil.rmtree(self.root / path.stem, ignore_errors=True)
                        path.unlink()

    def packs(self, generation: str) -> int:
        """Return the number of packs, finished or not."""
        return sum(
            path.name.endswith(".pack") or path.name.startswith("tmp_")
            for path in (self.root / generation / "objects" / "pack").glob("*")
        )

    @property
    def _state_file(self) -> Path:
        return self.root / "state.json"

    def _version(self) -> tuple[int, int]:
        """Return what changes whenever the state is saved."""
        try:
            found = self._state_file.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns

    def _lock(self, generation: str) -> Path:
        return self.root / f"{generation}.lock"


@contextmanager
def _explained(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused("a mirror cannot be written", place, error) from error


def _read_state(path: Path) -> State:
    """Return the state in the file; an empty state if it cannot be read."""
    try:
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        failure = (
            Failure(**document.pop("failure")) if document["failure"] else document.pop("failure")
        )
        return State(**document, failure=failure)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return State()
