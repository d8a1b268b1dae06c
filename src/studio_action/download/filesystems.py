"""The seam to storages that are read over a connection of their own, as ssh's: no URL opens them.

A file's URL is its plain address, with no user and no password. What opens it is looked up here,
by that address, so that no secret is where a URL may go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Protocol


class Interrupted(Exception):
    """A connection failed in a way that another try may not; the text may be shown."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a storage says of a file: its size in bytes, and what changes whenever its bytes do.

    `size` of None and `validator` of '': it does not say.
    """

    size: int | None
    validator: str = ""


class Reader(Protocol):
    """A file that is being read, from somewhere on; one thread uses it."""

    def read(self, length: int) -> bytes:
        """Return the next bytes, up to `length` of them; none at the end of the file."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Filesystem(Protocol):
    """A connection to a storage, which several threads may read files through.

    What it and its readers raise is `Interrupted` where another try may help, and else a
    `StudioActionError`: `ObjectMissing`, `TokenRefused`, `Unreachable` or `BadInput`.
    """

    seekable: bool
    """Whether a file can be read from another place than its start."""

    def status(self, path: str) -> Status:
        """Return what is known of the file at `path` before it is read."""
        ...

    def open(self, path: str, start: int) -> Reader:
        """Open the file at `path` for reading from its byte `start` on."""
        ...

    def close(self) -> None:
        """End the connection; what waits for it is interrupted."""
        ...


class Connect(Protocol):
    """How to reach one storage. Equal to nothing but itself: it may hold secrets."""

    def __call__(self, timeout: float) -> Filesystem:
        """Make a new connection; raise what `Filesystem` raises.

        `timeout` is in seconds without an answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Home:
    """What opens a file, and the file's path there."""

    connect: Connect = field(repr=False)
    path: str


class Filesystems:
    """Which files are behind which connection; safe to use from any thread."""

    def __init__(self) -> None:
        self._homes: dict[str, Home] = {}
        self._lock = Lock()

    def add(self, address: str, home: Home) -> str:
        """Return the URL by which the file is known from now on: `address`, unless it is taken.

        Two remotes may have one address and different credentials.
        """
        with self._lock:
            for number in count():
                url = f"{address}#{number}" if number else address
                if self._homes.setdefault(url, home) == home:
                    return url
        raise AssertionError("numbers do not end")

    def find(self, url: str) -> Home | None:
        """Return the home of the file with this URL; None if it is not one of these."""
        return self._homes.get(url)
