"""Hash files while they are being downloaded.

A file that comes in parts is hashed along its contiguous front while the rest is on its way, each
algorithm on a thread of its own: hashlib releases the interpreter's lock. What was received out of
order waits in memory as long as there is room; else it is read from disk again.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from itertools import takewhile

from studio_action.download.checksums import Digests, chunks_of, read_fully, stored_as
from studio_action.model.digest import TEXT_CHUNK, Digest

BUFFER = 256 << 10
"""Bytes gathered before they are written and hashed; larger buffers were slower."""
POOL = 64 << 20
"""Bytes of received buffers that may wait to be hashed, over all files."""


class Buffers:
    """A bounded pool of buffers of one size; safe to use from any thread."""

    def __init__(self, size: int = POOL) -> None:
        self._unmade = size // BUFFER
        self._free: deque[bytearray] = deque()
        self._lock = threading.Lock()

    def take(self) -> bytearray | None:
        """Return a buffer of `BUFFER` bytes, or None if all are in use."""
        with self._lock:
            if self._free:
                return self._free.pop()
            if not self._unmade:
                return None
            self._unmade -= 1
        return bytearray(BUFFER)

    def give(self, buffer: bytearray) -> None:
        """Put a buffer back that `take` gave."""
        self._free.append(buffer)


class _Piece:
    """A span of the file; its bytes are in `buffer`, or only on disk where that is None."""

    __slots__ = ("_lock", "_readers", "buffer", "length", "start")

    def __init__(self, start: int, length: int, buffer: bytearray | None) -> None:
        self.start, self.length, self.buffer = start, length, buffer
        self._readers = 2
        self._lock = threading.Lock()

    def chunks(self, descriptor: int, buffers: Buffers) -> Iterator[memoryview | bytes]:
        """Yield the bytes; if there is room, keep what is read from disk for the other one."""
        with self._lock:
            if self.buffer is None and self.length <= BUFFER:
                self.buffer = buffers.take()
                if self.buffer is not None:
                    data = read_fully(descriptor, self.length, self.start)
                    self.buffer[: len(data)] = data
        if self.buffer is not None:
            yield memoryview(self.buffer)[: self.length]
            return
        for offset in range(self.start, self.start + self.length, BUFFER):
            length = min(BUFFER, self.start + self.length - offset)
            yield read_fully(descriptor, length, offset)

    def release(self, buffers: Buffers) -> None:
        """Note that one algorithm is done with the bytes; free the buffer after both."""
        with self._lock:
            self._readers -= 1
            if self._readers == 0 and self.buffer is not None:
                buffers.give(self.buffer)
                self.buffer = None


class _Hasher:
    """Hashes the pieces of one file with one algorithm, in order, on any thread of the pool."""

    def __init__(self, name: str, hashing: Hashing) -> None:
        self._digest = hashlib.new(name, usedforsecurity=False)
        self._hashing = hashing
        self._pieces: deque[_Piece | None] = deque()
        self._running = False
        self._lock = threading.Lock()
        self.done = 0
        """Bytes hashed so far."""
        self.error: OSError | None = None

    def feed(self, piece: _Piece | None) -> None:
        """Hash `piece` after those before it; None is the end of the file."""
        with self._lock:
            self._pieces.append(piece)
            idle, self._running = not self._running, True
        if idle:
            self._hashing.threads.submit(self._run)

    def hexdigest(self) -> str:
        """Return the result; the file was hashed to its end."""
        return self._digest.hexdigest()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._pieces:
                    self._running = False
                    return
                piece = self._pieces.popleft()
            if piece is None:
                self._hashing.hasher_ended()
            else:
                self._read(piece)

    def _read(self, piece: _Piece) -> None:
        hashing = self._hashing
        try:
            if not hashing.abandoned and self.error is None:
                for chunk in piece.chunks(hashing.descriptor, hashing.buffers):
                    self._digest.update(chunk)
        except OSError as error:
            self.error = error
        finally:
            self.done += piece.length
            piece.release(hashing.buffers)


class Hashing:
    """Hashes one file while the thread of the engine writes it.

    `on_ended` is called once, on a thread of the pool, when the whole file has been hashed or
    abandoned; then the descriptor may be closed.
    """

    def __init__(
        self,
        descriptor: int,
        buffers: Buffers,
        threads: Executor,
        on_ended: Callable[[Hashing], None],
    ) -> None:
        self.descriptor, self.buffers, self.threads = descriptor, buffers, threads
        self.abandoned = False
        self._on_ended = on_ended
        self._front = 0
        self._early: dict[int, _Piece] = {}
        self._lock = threading.Lock()
        self._open = 2
        self._closed = False
        self._hashers = (_Hasher("md5", self), _Hasher("sha256", self))

    @property
    def backlog(self) -> int:
        """Return how many bytes follow each other from the start on and are not hashed yet by MD5,
        which is the slower one.
        """
        return self._front - self._hashers[0].done

    def add(self, start: int, length: int, buffer: bytearray | None) -> None:
        """Hash these bytes, which are on disk; `buffer`, if given, holds them, and is ours now."""
        self._early[start] = _Piece(start, length, buffer)
        while piece := self._early.pop(self._front, None):
            self._front += piece.length
            for hasher in self._hashers:
                hasher.feed(piece)

    def close(self) -> None:
        """Note that all bytes were added."""
        if self._closed:
            return
        self._closed = True
        for piece in self._early.values():
            piece.release(self.buffers)
            piece.release(self.buffers)
        self._early.clear()
        for hasher in self._hashers:
            hasher.feed(None)

    def abandon(self) -> None:
        """Stop hashing; `digests` will not be asked for."""
        self.abandoned = True
        self.close()

    def digests(self, wanted: Digest | None) -> Digests:
        """Return the result after `on_ended` was called; raise the `OSError` that prevented it."""
        for hasher in self._hashers:
            if hasher.error is not None:
                raise hasher.error
        md5, sha256 = (hasher.hexdigest() for hasher in self._hashers)
        chunks = chunks_of(self.descriptor, TEXT_CHUNK, self._front)
        chunks = takewhile(lambda _: not self.abandoned, chunks)
        stored = stored_as(md5, wanted or Digest("md5", md5), chunks)
        return Digests(self._front, md5, sha256, stored)

    def hasher_ended(self) -> None:
        """Note that one algorithm is at the end; call `on_ended` after both."""
        with self._lock:
            self._open -= 1
            last = self._open == 0
        if last:
            self._on_ended(self)
