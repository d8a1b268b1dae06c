"""Caches where the files of models at commits are; commits never change, so for ever.

What a repository holds may take seconds, and much memory, to read. So two threads at most read one
repository, and what cannot be read is not tried again by the next request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.locate.located import LocatedFile
from studio_action.model.artifact import ModelName
from studio_action.server.registry.keyed_locks import KeyedLocks

MOST_FILES = 200_000
"""The most cached files over all models, at some hundred bytes each."""

READERS = 2
"""The threads that read one repository at the same time; they read different commits."""
KEPT_FAILURE = 60.0
"""The seconds that a model which cannot be read is not read again."""
_MOST_FAILURES = 1000

ModelAtCommit = tuple[str, str, ModelName]
"""A repository's name, a commit, and a model."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's path in the repository, and where each of its files is."""

    root: str
    files: tuple[LocatedFile, ...]


@dataclass(slots=True)
class ModelFilesCache:
    """The most recently used models, up to `most_files`; safe to use from any thread.

    `now` returns seconds.
    """

    now: Callable[[], float]
    most_files: int = MOST_FILES
    _cached: OrderedDict[ModelAtCommit, ModelFiles] = field(default_factory=OrderedDict, init=False)
    _failed: OrderedDict[ModelAtCommit, tuple[float, UnexpectedAnswer]] = field(
        default_factory=OrderedDict, init=False
    )
    _count: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _locks: KeyedLocks = field(default_factory=KeyedLocks, init=False)

    def get(self, key: ModelAtCommit, locate: Callable[[], ModelFiles]) -> ModelFiles:
        """Return the cached files, else those from `locate`, by one thread at a time per commit.

        Raise what `locate` raises; an `UnexpectedAnswer` of it again for a minute.
        """
        found = self._known(key)
        if found is None:
            with self._locks.hold((key[0], int(key[1][:8], 16) % READERS)):
                found = self._known(key) or self._keep(key, self._locate(key, locate))
        return found

    def _locate(self, key: ModelAtCommit, locate: Callable[[], ModelFiles]) -> ModelFiles:
        try:
            return locate()
        except UnexpectedAnswer as error:
            kept = type(error)(error.message, error.hint)  # a traceback would keep what was read
            with self._lock:
                self._failed[key] = self.now() + KEPT_FAILURE, kept
                self._failed.move_to_end(key)
                while len(self._failed) > _MOST_FAILURES:
                    self._failed.popitem(last=False)
            raise

    def _known(self, key: ModelAtCommit) -> ModelFiles | None:
        with self._lock:
            until, error = self._failed.get(key, (0.0, None))
            if error is not None and self.now() < until:
                raise type(error)(error.message, error.hint)
            found = self._cached.get(key)
            if found is not None:
                self._cached.move_to_end(key)
            return found

    def _keep(self, key: ModelAtCommit, found: ModelFiles) -> ModelFiles:
        with self._lock:
            self._cached[key] = found
            self._count += len(found.files)
            while self._count > self.most_files and len(self._cached) > 1:
                _, oldest = self._cached.popitem(last=False)
                self._count -= len(oldest.files)
        return found
