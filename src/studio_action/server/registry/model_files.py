"""What was found out about models at commits: it is true for ever, so it is looked up once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from studio_action.gitrepo.locate.located import LocatedFile
from studio_action.model.artifact import ModelName
from studio_action.server.registry.keyed_locks import KeyedLocks

MOST_FILES = 200_000
"""Files that are remembered, over all models: some hundred bytes each."""

At = tuple[str, str, ModelName]
"""A model of a repository, by its name, at a commit."""


@dataclass(frozen=True, slots=True)
class Found:
    """The model's own path in the repository, and what keeps each of its files."""

    root: str
    files: tuple[LocatedFile, ...]


@dataclass(slots=True)
class ModelFilesCache:
    """Those that were asked for last, as many as fit; safe to use from any thread."""

    most_files: int = MOST_FILES
    _found: OrderedDict[At, Found] = field(default_factory=OrderedDict, init=False)
    _count: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _turns: KeyedLocks = field(default_factory=KeyedLocks, init=False)

    def get(self, at: At, locate: Callable[[], Found]) -> Found:
        """What is known, or what `locate` finds out; nobody else asks about that commit then."""
        found = self._known(at)
        if found is None:
            with self._turns.of(at[:2]):
                found = self._known(at) or self._keep(at, locate())
        return found

    def _known(self, at: At) -> Found | None:
        with self._lock:
            found = self._found.get(at)
            if found is not None:
                self._found.move_to_end(at)
            return found

    def _keep(self, at: At, found: Found) -> Found:
        with self._lock:
            self._found[at] = found
            self._count += len(found.files)
            while self._count > self.most_files and len(self._found) > 1:
                _, oldest = self._found.popitem(last=False)
                self._count -= len(oldest.files)
        return found
