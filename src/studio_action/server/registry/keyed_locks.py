"""Locks by name, for what should be done once though many ask for it at the same time."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakValueDictionary


class KeyedLocks:
    """One lock for each name, for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()
        self._lock = Lock()

    @contextmanager
    def of(self, name: Hashable) -> Iterator[None]:
        """Be the only one who is busy with `name`."""
        with self._lock:
            lock = self._locks.get(name)
            if lock is None:
                lock = self._locks[name] = Lock()
        with lock:
            yield
