"""MD5 and SHA-256 of files: of one that is there, and of one that is still coming.

A file that comes in parts is hashed along its contiguous front while the rest is on its way, each
algorithm in step with the other on a thread of its own: hashlib lets go of the interpreter's lock.
What was received out of order waits in memory as long as there is room, and is else read again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from studio_action.model.digest import TEXT_BLOCK, TEXT_CHUNK, Algorithm, Digest, looks_like_text
from studio_action.workspace import regular_files

BUFFER = 256 << 10
"""Bytes gathered before they are written and hashed; larger ones cost more, not less."""
POOL = 64 << 20
"""Bytes of received buffers that may wait to be hashed, over all files."""


@dataclass(frozen=True, slots=True)
class Digests:
    """What is known of a whole file; `md5` and `sha256` are hexadecimal, of the bytes as they are.

    `stored_as` is the address its content has under the algorithm that was asked for.
    """

    size: int
    md5: str
    sha256: str
    stored_as: Digest

    @property
    def rule(self) -> Algorithm:
        """By which rule the content is what it is stored as."""
        plain = self.stored_as.hex.removesuffix(".dir") == self.md5
        return "md5" if plain else "md5-dos2unix"


def digests_of_file(
    path: Path, wanted: Digest, check: Callable[[], None] = lambda: None
) -> Digests:
    """Read the regular file at `path` and say what DVC would store it as.

    No more is read than it had when it was opened; `check` is called between two blocks, and may
    raise. Raises `regular.NotRegular`, and `OSError` as it comes.
    """
    with regular_files.opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size <= BUFFER:  # threads would take longer than the hashing
            return digests_of_bytes(read_fully(descriptor, size, 0), wanted)

        def chunks(length: int) -> Iterator[bytes]:
            for chunk in _chunks(descriptor, length, size):
                check()
                yield chunk

        with ThreadPoolExecutor(2) as threads:
            md5, sha256 = threads.map(lambda name: _hash(name, chunks(BUFFER)), ("md5", "sha256"))
        return Digests(size, md5, sha256, _stored_as(md5, wanted, chunks(TEXT_CHUNK)))


def digests_of_bytes(data: bytes | memoryview, wanted: Digest | None) -> Digests:
    """The same for a file that is in memory."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    chunks = (bytes(data[at : at + TEXT_CHUNK]) for at in range(0, len(data), TEXT_CHUNK))
    stored = _stored_as(md5, wanted or Digest("md5", md5), chunks)
    return Digests(len(data), md5, hashlib.sha256(data).hexdigest(), stored)


def _stored_as(md5: str, wanted: Digest, chunks: Iterable[bytes]) -> Digest:
    """The address of content with this MD5; `chunks` are read where text must be normalised."""
    kind = ".dir" if wanted.hex.endswith(".dir") else ""  # a folder's manifest
    if wanted.algorithm == "md5" or md5 + kind == wanted.hex:
        return Digest(wanted.algorithm, md5 + kind)
    return Digest(wanted.algorithm, _dos2unix_md5(chunks) + kind)


def _dos2unix_md5(chunks: Iterable[bytes]) -> str:
    """MD5 as DVC 2 took it: CRLF is LF in every chunk that looks like text."""
    md5 = hashlib.new("md5", usedforsecurity=False)
    for chunk in chunks:
        text = looks_like_text(chunk[:TEXT_BLOCK])
        md5.update(chunk.replace(b"\r\n", b"\n") if text else chunk)
    return md5.hexdigest()


def _hash(name: str, chunks: Iterable[bytes]) -> str:
    digest = hashlib.new(name, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(descriptor: int, length: int, size: int) -> Iterator[bytes]:
    """The first `size` bytes of the file in chunks of exactly `length`, but for the last."""
    offset = 0
    while chunk := read_fully(descriptor, min(length, size - offset), offset):
        yield chunk
        offset += len(chunk)


def read_fully(descriptor: int, length: int, offset: int) -> bytes:
    """`length` bytes from `offset`; fewer only at the end of the file."""
    data = os.pread(descriptor, length, offset)
    while 0 < len(data) < length:
        more = os.pread(descriptor, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


class Buffers:
    """A bounded store of equal buffers, used over and over; safe to use from any thread."""

    def __init__(self, size: int = POOL) -> None:
        self._unmade = size // BUFFER
        self._free: deque[bytearray] = deque()
        self._lock = threading.Lock()

    def take(self) -> bytearray | None:
        """A buffer of `BUFFER` bytes, or None if all are in use."""
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
    """A stretch of the file; its bytes are in `buffer`, or only on disk where that is None."""

    __slots__ = ("_lock", "_readers", "buffer", "length", "start")

    def __init__(self, start: int, length: int, buffer: bytearray | None) -> None:
        self.start, self.length, self.buffer = start, length, buffer
        self._readers = 2
        self._lock = threading.Lock()

    def chunks(self, descriptor: int, buffers: Buffers) -> Iterator[memoryview | bytes]:
        """The bytes; where there is room, what one algorithm reads from disk serves the other."""
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

    def let_go(self, buffers: Buffers) -> None:
        """One algorithm is done with the bytes; after both, the buffer is free."""
        with self._lock:
            self._readers -= 1
            if self._readers == 0 and self.buffer is not None:
                buffers.give(self.buffer)
                self.buffer = None


class _Strand:
    """One algorithm's way through a file's pieces, on whichever thread is free."""

    def __init__(self, name: str, hashing: Hashing) -> None:
        self._digest = hashlib.new(name, usedforsecurity=False)
        self._hashing = hashing
        self._pieces: deque[_Piece | None] = deque()
        self._running = False
        self._lock = threading.Lock()
        self.error: OSError | None = None

    def feed(self, piece: _Piece | None) -> None:
        """Hash `piece` next; None is the end of the file."""
        with self._lock:
            self._pieces.append(piece)
            idle, self._running = not self._running, True
        if idle:
            self._hashing.threads.submit(self._run)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._pieces:
                    self._running = False
                    return
                piece = self._pieces.popleft()
            if piece is None:
                self._hashing.strand_ended()
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
            piece.let_go(hashing.buffers)


class Hashing:
    """The digests of one file, fed by the one thread that writes it.

    `ended` is called once, on a thread of the pool, when the whole file has been hashed or given
    up; then the descriptor may be closed.
    """

    def __init__(
        self,
        descriptor: int,
        buffers: Buffers,
        threads: Executor,
        ended: Callable[[Hashing], None],
    ) -> None:
        self.descriptor, self.buffers, self.threads = descriptor, buffers, threads
        self.abandoned = False
        self._ended = ended
        self._front = 0
        self._early: dict[int, _Piece] = {}
        self._lock = threading.Lock()
        self._open = 2
        self._closed = False
        self._strands = (_Strand("md5", self), _Strand("sha256", self))

    def add(self, start: int, length: int, buffer: bytearray | None) -> None:
        """These bytes are on disk; `buffer`, lent until both have read it, holds them too."""
        self._early[start] = _Piece(start, length, buffer)
        while piece := self._early.pop(self._front, None):
            self._front += piece.length
            for strand in self._strands:
                strand.feed(piece)

    def close(self) -> None:
        """Nothing more will come."""
        if self._closed:
            return
        self._closed = True
        for piece in self._early.values():
            piece.let_go(self.buffers)
            piece.let_go(self.buffers)
        self._early.clear()
        for strand in self._strands:
            strand.feed(None)

    def abandon(self) -> None:
        """What was read is of no use any more."""
        self.abandoned = True
        self.close()

    def digests(self, wanted: Digest | None) -> Digests:
        """The result, once `ended` was called; raise the `OSError` that stood in its way."""
        for strand in self._strands:
            if strand.error is not None:
                raise strand.error
        md5, sha256 = (strand.hexdigest() for strand in self._strands)
        chunks = _chunks(self.descriptor, TEXT_CHUNK, self._front)
        chunks = takewhile(lambda _: not self.abandoned, chunks)
        stored = _stored_as(md5, wanted or Digest("md5", md5), chunks)
        return Digests(self._front, md5, sha256, stored)

    def strand_ended(self) -> None:
        with self._lock:
            self._open -= 1
            last = self._open == 0
        if last:
            self._ended(self)
