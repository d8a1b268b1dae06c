"""One attempt to read one file of a filesystem into its partial file, on a thread of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from studio_action.download.checksums import Digests, digests_of_file
from studio_action.download.filesystems import Filesystem, Interrupted, Reader, Status
from studio_action.download.partials import Partials, Record, key_of, write_fully
from studio_action.download.parts import Span
from studio_action.errors import ContentMismatch
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.text import printable
from studio_action.workspace.workspace import refused

SMALLEST, LARGEST = 256 << 10, 8 << 20
"""Bytes asked for at once: enough in flight for a long way, and on a slow one no long silence."""
QUICK, SLOW = 0.3, 2.0
"""Seconds: what comes quicker is asked for in larger pieces, what comes slower in smaller ones."""
CHECKPOINT = 16 << 20
"""Bytes between two records of what is on disk."""
_PLAIN = Digest("md5", "")


class Changed(Exception):
    """Not the file that the bytes on disk are of: it has to be read from its start."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All bytes are on disk; `measured`: the storage told their number before they came."""

    digests: Digests
    measured: bool


@dataclass(eq=False, slots=True)
class Attempt:
    """What the attempt of one thread knows and has done; the thread that watches it reads along.

    `status` is what an earlier attempt was told, whose first `start` bytes are there.
    """

    file: RemoteFile
    path: str
    partials: Partials
    status: Status | None = None
    start: int = 0
    filesystem: Filesystem | None = field(default=None, init=False)
    """The connection that is used, once there is one."""
    hashing: bool = field(default=False, init=False)
    """Whether all bytes have come."""
    position: int = field(init=False)
    given_up: bool = field(default=False, init=False)
    lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        self.position, self.key = self.start, key_of(self.file)

    def give_up(self) -> None:
        """Keep a record of what is there, and write no more from now on."""
        with self.lock:
            self._checkpoint()
            self.given_up = True

    def run(self, connected: Callable[[], Filesystem]) -> Whole:
        """Read what is missing, and hash the whole.

        Raises `Interrupted`, `Changed`, or a `StudioActionError` that trying again will not help.
        """
        if self.status is None or self.start != self.status.size:
            self._bring(connected())
        self.hashing = True
        try:
            found = digests_of_file(self.partials.path(self.key), self.file.digest or _PLAIN)
        except OSError as error:
            place = self.partials.path(self.key)
            raise refused("a partial file cannot be read", place, error) from error
        return Whole(found, self.status is not None and self.status.size is not None)

    def _bring(self, filesystem: Filesystem) -> None:
        self.filesystem = filesystem
        status = filesystem.status(self.path)
        self._compare(status)
        self.status = status
        if not filesystem.seekable:
            self.start = self.position = 0
        with (
            self._opened() as descriptor,
            closing(filesystem.open(self.path, self.start)) as reader,
        ):
            self._copy(reader, descriptor, status.size)
        if status.size is not None and self.position < status.size:
            raise Interrupted(f"it ended after {self.position} of {status.size} bytes")

    def _compare(self, status: Status) -> None:
        """Raise `Changed` or `ContentMismatch` if it is not the file that was begun, or meant."""
        wanted, known = self.file.size, self.status
        if wanted is not None and status.size not in (None, wanted):
            raise ContentMismatch(
                f"{printable(self.file.path, 300)!r} does not match: its storage has"
                f" {status.size} bytes; expected {wanted}",
                "The storage has other content under this name: push the model again",
            )
        self.file.check_size(status.size or 0)
        if known is None or not self.start:
            return
        if status.size != known.size or (known.validator or status.validator) != status.validator:
            raise Changed("the file changed during the download")

    def _copy(self, reader: Reader, descriptor: int, size: int | None) -> None:
        saved, piece = self.position, SMALLEST
        while self.position != size:
            length = piece if size is None else min(piece, size - self.position)
            began = time.monotonic()
            data = reader.read(length)
            if not data:
                return
            if len(data) > length:
                raise Interrupted(f"received {len(data)} bytes; requested {length}")
            self.file.check_size(self.position + len(data))
            piece = _next_piece(piece, time.monotonic() - began)
            with self._writing():
                write_fully(descriptor, memoryview(data), self.position)
                self.position += len(data)
                if self.position - saved >= CHECKPOINT:
                    self._checkpoint()
                    saved = self.position

    def _checkpoint(self) -> None:
        """Keep a record of what is there; the lock is held."""
        status = self.status
        if status is not None and status.size is not None and self.position and not self.given_up:
            there = (Span(0, self.position),)
            self.partials.save(self.key, Record(status.size, status.validator, there))

    @contextmanager
    def _opened(self) -> Iterator[int]:
        with self._writing():
            descriptor = self.partials.open(self.key, fresh=not self.start)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Nobody else writes meanwhile; raises `Interrupted` where we may not either any more."""
        with self.lock:
            if self.given_up:
                raise Interrupted("it was given up")
            try:
                yield
            except OSError as error:
                place = self.partials.path(self.key)
                raise refused("a file cannot be written", place, error) from error


def _next_piece(piece: int, seconds: float) -> int:
    """How much to ask for after a piece that took so long."""
    if seconds < QUICK:
        return min(LARGEST, piece * 2)
    return max(SMALLEST, piece // 2) if seconds > SLOW else piece
