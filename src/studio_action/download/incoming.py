"""One file on its way: what is known of it, which bytes are there, and what checks them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from studio_action.download.answers import Asked, Content
from studio_action.download.hashing import Buffers, Digests, Hashing, digests_of_bytes
from studio_action.download.partials import Partials, Record, key_of, write_fully
from studio_action.download.parts import LARGEST_PART, Span, Spans, gaps, joined, part_of
from studio_action.model.artifact import RemoteFile
from studio_action.text import printable
from studio_action.workspace.workspace import refused


@dataclass(frozen=True, slots=True)
class Again:
    """A request that failed `attempt` times, and the moment before which it is not sent again."""

    attempt: int
    due: float


@dataclass(frozen=True, slots=True)
class Store:
    """What all files of one download share: where they lie, and what hashes them.

    `divided` hears of files that are larger than what has been asked for of them; `summed` hears,
    on a thread of `threads`, what was found out about a file that is whole.
    """

    partials: Partials
    buffers: Buffers
    threads: Executor
    divided: Callable[[Incoming], None]
    summed: Callable[[Incoming, Digests | OSError], None]


FIRST_TIME = Again(0, 0.0)
FIRST_PART = Asked(0, LARGEST_PART)


class UnderWay(Protocol):
    """A request for one file, as far as the next one depends on it."""

    @property
    def stale(self) -> bool:
        """Whether what it brings is of no use any more."""
        ...

    @property
    def span(self) -> Span:
        """What it brings, but for what it has written already."""
        ...


class Incoming:
    """The state of one file. All but `_summed` runs on the thread of the transfer."""

    def __init__(self, index: int, file: RemoteFile, store: Store) -> None:
        self.index, self.file, self.key = index, file, key_of(file)
        self.url = file.url
        self.expires: datetime | None = file.expires
        self.refused: int | None = None
        """The generation of signed URLs that the storage refused, if nothing has come since."""
        self.size: int | None = None
        self.validator = ""
        self.md5: str | None = None
        self.have: Spans = ()
        self.resumed: Spans = ()
        self.ranged, self.proven = True, False
        """Whether parts may be asked for, and whether the storage has sent one."""
        self.retries: dict[int, Again] = {}
        self.measured = False
        """Whether the storage told the size before the bytes came."""
        self.told = (file.size or 0, 0)
        """`expected` and `arrived`, as they were last told."""
        self.streams: list[UnderWay] = []
        self.mismatches = 0
        self.restarts = 0
        self.epoch = 0
        """Grows whenever the file is started over."""
        self.transferred = 0
        self._hashing: Hashing | None = None
        self._saved: Spans = ()
        self._store = store
        self._descriptor: int | None = None

    def __str__(self) -> str:
        """The file and where it comes from, for messages."""
        host = urlsplit(self.url).hostname or "?"
        return f"{printable(self.file.path, 300)!r} (from {printable(host, 100)})"

    @property
    def arrived(self) -> int:
        """Bytes that came in this run and are kept."""
        return sum(map(len, self.have)) - sum(map(len, self.resumed))

    @property
    def expected(self) -> int:
        """Bytes that have to come in this run, as far as that is known."""
        size = self.size if self.size is not None else self.file.size
        return 0 if size is None else size - sum(map(len, self.resumed))

    @property
    def complete(self) -> bool:
        """Whether every byte is on disk; false while the size is unknown."""
        return self.size is not None and not any(gaps(self.have, self.size))

    def resume(self, record: Record) -> None:
        """Take over what an earlier run left."""
        self.size, self.validator = record.size, record.validator
        self.have = self.resumed = record.have
        hashing = self._open()
        for span in record.have:
            hashing.add(span.start, len(span), None)

    def next_part(self, lanes: int, now: float) -> Asked | None:
        """What to ask for now, besides what is under way; None for nothing."""
        under_way = [stream.span for stream in self.streams if not stream.stale]
        if under_way and not self.proven:
            return None
        if not self.ranged or self.size is None or self.size == 0:
            whole = Asked() if not self.ranged or self.size == 0 else FIRST_PART
            return whole if self._due(0, now) else None
        taken = joined((*self.have, *under_way))
        left = self.size - sum(map(len, taken))
        for gap in gaps(taken, self.size):
            if self._due(gap.start, now):
                part = part_of(gap, left=left, lanes=lanes)
                return Asked(part.start, part.end, self.size, self.validator)
        return None

    def failures(self, offset: int) -> int:
        """How often the request for what begins at `offset` has failed."""
        return self.retries.get(offset, FIRST_TIME).attempt

    def next_due(self, now: float) -> float:
        """The moment, after `now`, at which a request that failed may be sent again."""
        dues = (again.due for again in self.retries.values() if again.due > now)
        return min(dues, default=math.inf)

    def _due(self, offset: int, now: float) -> bool:
        return self.retries.get(offset, FIRST_TIME).due <= now

    def accept(self, content: Content) -> None:
        """Learn from the first good answer."""
        self.refused = None
        self.measured = content.size is not None
        self.size, self.md5 = content.size, content.md5 or self.md5
        self.validator = content.validator or self.validator
        self.proven = self.proven or content.ranged
        if content.size is not None and content.end != content.size:
            self._store.divided(self)

    def restart(self) -> None:
        """Start over: nothing that is there is of use."""
        self.close()
        self.epoch += 1
        self._store.partials.forget(self.key)
        self.size, self.validator, self.md5 = None, "", None
        self.have = self.resumed = self._saved = ()
        self.proven = False

    def write(self, start: int, buffer: bytearray, length: int) -> bytearray:
        """Put a filled buffer at `start`; gives one to fill next, perhaps the same."""
        hashing = self._open()
        assert self._descriptor is not None
        try:
            write_fully(self._descriptor, memoryview(buffer)[:length], start)
        except OSError as error:
            place = self._store.partials.path(self.key)
            raise refused("a file cannot be written", place, error) from error
        self.have = joined((*self.have, Span(start, start + length)))
        spare = self._store.buffers.take()
        hashing.add(start, length, buffer if spare is not None else None)
        return buffer if spare is None else spare

    def store_whole(self, data: memoryview) -> Digests:
        """Put a small file there at once, and hash it here and now."""
        self._store.partials.store(self.key, data)
        self.size = len(data)
        self.have = joined([Span(0, len(data))])
        return digests_of_bytes(data, self.file.digest)

    def sum_up(self) -> None:
        """All bytes are on disk: hash what is left of them, and let `summed` know."""
        self._open().close()

    def checkpoint(self) -> None:
        """Keep a record of what has been written so far."""
        if self.opened and self.size is not None and self.have != self._saved:
            self._store.partials.save(self.key, Record(self.size, self.validator, self.have))
            self._saved = self.have

    def close(self) -> None:
        """Let go of the file, and of what is being hashed of it."""
        if self._hashing is not None:
            self._hashing.abandon()
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._hashing = self._descriptor = None

    @property
    def opened(self) -> bool:
        """Whether there is data on disk that is not yet known to be right."""
        return self._descriptor is not None

    def _open(self) -> Hashing:
        if self._descriptor is None or self._hashing is None:
            store = self._store
            self._descriptor = store.partials.open(self.key, fresh=not self.resumed)
            mine = os.dup(self._descriptor)
            self._hashing = Hashing(mine, store.buffers, store.threads, self._summed)
        return self._hashing

    def _summed(self, hashing: Hashing) -> None:
        """Hand the result on; runs on a thread of the pool."""
        try:
            if hashing.abandoned:
                return
            found: Digests | OSError = hashing.digests(self.file.digest)
        except OSError as error:
            found = error
        finally:
            os.close(hashing.descriptor)
        if not hashing.abandoned:
            self._store.summed(self, found)
