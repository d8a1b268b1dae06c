"""One file of a download: what the storage says about it, and what is still to be requested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto
from typing import Protocol

from studio_action.download.answers import Content, RangeRequest
from studio_action.download.base import Fetched, Verify
from studio_action.download.checksums import (
    Digests,
    StorageMetadata,
    mismatch_twice,
    verification,
)
from studio_action.download.hashing import BUFFER
from studio_action.download.partial_file import PartialFile, Store
from studio_action.download.partials import Record
from studio_action.download.parts import LARGEST_PART, Span, gaps, joined, part_of
from studio_action.download.retries import RetryAt, RetrySchedule, give_up_after
from studio_action.download.url_renewal import FileUrl
from studio_action.model.artifact import RemoteFile
from studio_action.workspace.workspace import refused

FIRST_PART = RangeRequest(0, LARGEST_PART)
MOST_UNHASHED = 32 << 20
"""Bytes of a file that may wait to be hashed before only what was requested comes still: more would
not end sooner, and would be read from disk once more. MD5 takes 50 ms for so many."""
SLOW = 2.0
"""Seconds that a request still takes before another connection, which is idle, takes half of it."""
SMALLEST_HALF = BUFFER
"""Bytes: what is in the buffer of a request stays its own."""
_UNKNOWN = StorageMetadata()


class RangeSupport(Enum):
    """Whether a storage sends parts of a file when it is asked for them."""

    UNKNOWN = auto()
    YES = auto()
    NO = auto()


class ActiveRequest(Protocol):
    """A request for one file that was sent, as far as the next one depends on it."""

    @property
    def is_stale(self) -> bool:
        """Return whether the file was started over since, so that its answer is not kept."""
        ...

    @property
    def span(self) -> Span:
        """Return the bytes that it will still bring; those written already are not among them."""
        ...

    def seconds_left(self, now: float) -> float:
        """Return how long they take at the speed so far; 0 while that is not known."""
        ...

    def shorten(self, end: int) -> None:
        """Take no bytes from offset `end` on: another request brings them."""
        ...


class FileDownload:
    """The state of one file. All of it is used on the engine's thread.

    `on_split` is called when the file turns out to have more bytes than were requested at first.
    """

    def __init__(
        self,
        index: int,
        file: RemoteFile,
        store: Store,
        on_split: Callable[[FileDownload], None],
    ) -> None:
        self.index, self.file = index, file
        self.url = FileUrl.of(file)
        self.partial = PartialFile(index, file, store)
        self.metadata = _UNKNOWN
        self.ranges = RangeSupport.UNKNOWN
        self.retries = RetrySchedule()
        self.requests: list[ActiveRequest] = []
        self.epoch = 0
        """Grows whenever the file is started over."""
        self.transferred = 0
        """Bytes that came over the network in this run, also those that were thrown away."""
        self._on_split = on_split

    def __str__(self) -> str:
        """Return the file and where it comes from, for messages."""
        return str(self.url)

    @property
    def arrived(self) -> int:
        """Return how many bytes came in this run and are kept."""
        return self.partial.arrived

    @property
    def expected(self) -> int:
        """Return how many bytes have to come in this run; 0 if the size is unknown."""
        size = self.metadata.size if self.metadata.size is not None else self.file.size
        return 0 if size is None else size - self.partial.resumed_size

    @property
    def is_complete(self) -> bool:
        """Return whether every byte is on disk; False while the size is unknown."""
        return self.metadata.size is not None and self.partial.is_complete(self.metadata.size)

    def resume(self, record: Record) -> None:
        """Take over what an earlier run left."""
        self._learn(size=record.size, validator=record.validator)
        self.partial.resume(record.have)

    def next_request(self, connections: int, now: float) -> RangeRequest | None:
        """Return what to request now, beside what was requested already; None for nothing.

        `connections` is how many share the work on large files.
        """
        requested = [request.span for request in self.requests if not request.is_stale]
        size = self.metadata.size
        if requested and self.ranges is not RangeSupport.YES:
            return None
        if self.ranges is RangeSupport.NO or not size:
            whole = self.ranges is RangeSupport.NO or size == 0
            due = self.retries.is_due(0, now)
            return (RangeRequest() if whole else FIRST_PART) if due else None
        if requested and self.partial.backlog > MOST_UNHASHED:
            return None
        taken = joined((*self.partial.have, *requested))
        left = size - sum(map(len, taken))
        for gap in gaps(taken, size):
            if self.retries.is_due(gap.start, now):
                part = part_of(gap, left=left, connections=connections)
                return RangeRequest(part.start, part.end, size, self.metadata.validator)
        return None

    def relieve(self, now: float) -> RangeRequest | None:
        """Return a request for the second half of what the slowest one still has to bring.

        The slowest one brings only the first half then. Return None where that would not help.
        """
        if self.ranges is not RangeSupport.YES or self.partial.backlog > MOST_UNHASHED:
            return None
        active = (request for request in self.requests if not request.is_stale)
        slowest = max(active, key=lambda each: each.seconds_left(now), default=None)
        if slowest is None or slowest.seconds_left(now) < SLOW:
            return None
        span = slowest.span
        middle = span.start + len(span) // 2
        if middle - span.start < SMALLEST_HALF:
            return None
        slowest.shorten(middle)
        return RangeRequest(middle, span.end, self.metadata.size, self.metadata.validator)

    def accept(self, content: Content) -> None:
        """Learn from the head of a good answer."""
        self.url.accepted()
        self.metadata = StorageMetadata(
            size_announced=content.size is not None,
            md5=content.md5 or self.metadata.md5,
            validator=content.validator or self.metadata.validator,
            size=content.size,
        )
        if content.ranged:
            self.ranges = RangeSupport.YES
        if content.size is not None and content.end != content.size:
            self._on_split(self)

    def store_whole(self, data: memoryview) -> Digests:
        """Write a small file at once, and return its digests."""
        self.set_size(len(data))
        return self.partial.store_whole(data)

    def set_size(self, size: int) -> None:
        """Learn the size, which the storage did not tell before, from the end of the answer."""
        if self.metadata.size != size:
            self._learn(size=size)

    def postpone(self, start: int, reached: int, retry: RetryAt) -> None:
        """Request again later what failed; bytes from `start` up to `reached` came."""
        resume_at = 0 if self.ranges is RangeSupport.NO else reached
        self.retries.postpone(start, retry, resume_at=resume_at)

    def disable_ranges(self) -> None:
        """Request the whole file at once from now on."""
        self.ranges = RangeSupport.NO

    def start_over(self, reason: str, retries: int) -> None:
        """Start over because the storage changed the file; raise `Unreachable` if too often."""
        self.retries.restarts += 1
        give_up_after(self.retries.restarts, retries, self, reason)
        self.restart()

    def restart(self) -> None:
        """Throw away what is on disk, and start over."""
        self.epoch += 1
        self.partial.discard()
        self.metadata = _UNKNOWN
        if self.ranges is RangeSupport.YES:
            self.ranges = RangeSupport.UNKNOWN

    def verify(self, found: Digests | OSError, verify: Verify) -> Fetched | None:
        """Check the complete file; return None if it is wrong and was started over.

        Raise `ContentMismatch` if it was wrong before, and `WorkspaceRefused` if it was not read.
        """
        if isinstance(found, OSError):
            raise refused("a partial file cannot be read", self.partial.path, found) from found
        assert found.size == self.metadata.size, "the hashing has seen another file"
        how = verification(self.file, self.metadata, found, verify)
        if how is None:
            self._reject(found)
            return None
        if self.partial.is_open:
            self.checkpoint()
            self.close()
        path, transferred = self.partial.path, self.transferred
        return Fetched(self.file, path, found.size, found.md5, found.sha256, how, transferred)

    def _reject(self, found: Digests) -> None:
        if not self.partial.resumed:  # else it may be the earlier run's bytes that are wrong
            self.retries.mismatches += 1
        if self.retries.mismatches > 1:
            raise mismatch_twice(self, self.file, self.metadata, found)
        self.restart()

    def checkpoint(self) -> None:
        """Record for the next run what is on disk."""
        self.partial.checkpoint(self.metadata.size, self.metadata.validator)

    def close(self) -> None:
        """Let go of the file on disk."""
        self.partial.close()

    def _learn(self, *, size: int, validator: str | None = None) -> None:
        known = self.metadata.validator if validator is None else validator
        self.metadata = replace(self.metadata, size=size, validator=known)
