"""A storage behind a connection, in memory, with faults: implements `filesystems.Filesystem`."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from studio_action.download.filesystems import Filesystem, Home, Interrupted, Reader, Status
from studio_action.errors import ObjectMissing

PIECE = 64 << 10
"""Bytes that a read gives at most, so that there are several of them."""


@dataclass(eq=False)
class MemoryStorage:
    """The storage, and how it fails; `connect` reaches it.

    Of `connecting` and `reading` one entry is called for each connection and each read, as long as
    there are some; what it raises is the failure. `read` hears where each read began.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    connecting: deque[Callable[[], object]] = field(default_factory=deque)
    reading: deque[Callable[[], object]] = field(default_factory=deque)
    seekable: bool = True
    measured: bool = True
    validator: str = "1"
    connections: int = 0
    closed: int = 0
    starts: list[int] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def connect(self, timeout: float) -> Filesystem:
        with self.lock:
            self.connections += 1
            fault = self.connecting.popleft() if self.connecting else None
        if fault:
            fault()
        return _Connected(self)

    def home(self, path: str) -> Home:
        return Home(self.connect, path)


@dataclass(eq=False)
class _Connected:
    storage: MemoryStorage

    @property
    def seekable(self) -> bool:
        return self.storage.seekable

    def status(self, path: str) -> Status:
        content = self.storage.contents.get(path)
        if content is None:
            raise ObjectMissing(f"the storage has lost {path!r}")
        return Status(len(content) if self.storage.measured else None, self.storage.validator)

    def open(self, path: str, start: int) -> Reader:
        assert self.seekable or not start
        with self.storage.lock:
            self.storage.starts.append(start)
            self.storage.at_once += 1
            self.storage.most_at_once = max(self.storage.most_at_once, self.storage.at_once)
        return _Reading(self.storage, path, start)

    def close(self) -> None:
        self.storage.closed += 1


@dataclass(eq=False)
class _Reading:
    storage: MemoryStorage
    path: str
    position: int

    def read(self, length: int) -> bytes:
        with self.storage.lock:
            fault = self.storage.reading.popleft() if self.storage.reading else None
        if fault:
            fault()
        piece = self.storage.contents[self.path][self.position :][: min(length, PIECE)]
        self.position += len(piece)
        return piece

    def close(self) -> None:
        with self.storage.lock:
            self.storage.at_once -= 1


def cut() -> None:
    raise Interrupted("the connection was lost")


def well() -> None:
    """No fault."""
