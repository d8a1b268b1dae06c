"""What the library `limits` counts with: the hits of this process, and of others that share them.

https://limits.readthedocs.io/en/stable/custom-storage.html
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from limits.storage import Storage

MOST_KEYS = 100_000
"""How many keys are remembered; beyond that, the least recently used one is forgotten."""


class Count(NamedTuple):
    """The hits of a key until its window ends at `expires`, in seconds since 1970."""

    hits: int
    expires: float


@dataclass(slots=True)
class _Window:
    expires: float
    hits: int = 0
    unshared: int = 0
    """How many of the hits the other processes do not know of."""


class Counters(Storage):
    """Counts in memory; callable from any thread. `now` returns seconds since 1970.

    `take` and `merge` are for whoever exchanges the counts with other processes (`sharing`).
    """

    STORAGE_SCHEME = None

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._unshared: set[str] = set()
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what the library would take for an error of the storage; there is none."""
        return LookupError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` hits and return all; a new window ends after `expiry` seconds."""
        with self._lock:
            window = self._current(key) or self._begin(key, self.now() + expiry)
            window.hits += amount
            window.unshared += amount
            self._unshared.add(key)
            self._windows.move_to_end(key)
            return window.hits

    def get(self, key: str) -> int:
        """Return the hits in the key's window, 0 if it has none."""
        window = self._current(key)
        return window.hits if window else 0

    def get_expiry(self, key: str) -> float:
        """Return when the key's window ends; now, if it has none."""
        window = self._current(key)
        return window.expires if window else self.now()

    def check(self) -> bool:
        """Return that memory can be counted in."""
        return True

    def reset(self) -> int:
        """Forget all; return how many keys there were."""
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
            self._unshared.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._windows.pop(key, None)
            self._unshared.discard(key)

    def take(self, most: int) -> Mapping[str, Count]:
        """Return the hits since the last call, by key, of so many keys at most; most hits first."""
        with self._lock:
            pending = [(key, each) for key in self._unshared if (each := self._current(key))]
            self._unshared.intersection_update(key for key, _ in pending)
            pending.sort(key=lambda each: -each[1].unshared)
            taken = {key: Count(each.unshared, each.expires) for key, each in pending[:most]}
            for key in taken:
                self._windows[key].unshared = 0
            self._unshared.difference_update(taken)
        return taken

    def give_back(self, taken: Mapping[str, Count]) -> None:
        """Let `take` return these again: they did not reach the others."""
        with self._lock:
            for key, count in taken.items():
                if window := self._current(key):
                    window.unshared += count.hits
                    self._unshared.add(key)

    def merge(self, known: Mapping[str, Count]) -> None:
        """Take the hits that all processes together had, as far as these were told of them."""
        with self._lock:
            for key, count in known.items():
                if count.expires <= self.now():
                    continue
                window = self._current(key) or self._begin(key, count.expires)
                window.hits = count.hits + window.unshared
                window.expires = count.expires

    def _current(self, key: str) -> _Window | None:
        window = self._windows.get(key)
        return window if window and self.now() < window.expires else None

    def _begin(self, key: str, expires: float) -> _Window:
        window = self._windows[key] = _Window(expires)
        if len(self._windows) > MOST_KEYS:
            forgotten, _ = self._windows.popitem(last=False)
            self._unshared.discard(forgotten)
        return window
