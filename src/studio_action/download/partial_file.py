"""The bytes of one file that are on disk already, and their hashing."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from studio_action.download.checksums import Digests, digests_of_bytes
from studio_action.download.hashing import Buffers, Hashing
from studio_action.download.partials import Partials, Record, key_of, write_fully
from studio_action.download.parts import Span, Spans, gaps, joined
from studio_action.model.artifact import RemoteFile
from studio_action.workspace.workspace import refused


@dataclass(frozen=True, slots=True)
class Store:
    """What the files of one download share: where they lie, and what hashes them.

    `on_hashed` gets a file's index and digests, or why it cannot be read, on a thread of `threads`.
    """

    partials: Partials
    buffers: Buffers
    threads: Executor
    on_hashed: Callable[[int, Digests | OSError], None]


class PartialFile:
    """One file while it is being written. All but `_report` runs on the engine's thread."""

    def __init__(self, index: int, file: RemoteFile, store: Store) -> None:
        self.have: Spans = ()
        """The bytes that are on disk."""
        self.resumed: Spans = ()
        """Those of them that an earlier run left."""
        self._index, self._key, self._digest = index, key_of(file), file.digest
        self._store = store
        self._saved: Spans = ()
        self._descriptor: int | None = None
        self._hashing: Hashing | None = None

    @property
    def path(self) -> Path:
        """Return where the bytes lie."""
        return self._store.partials.path(self._key)

    @property
    def is_open(self) -> bool:
        """Return whether there are bytes on disk that are not yet known to be right."""
        return self._descriptor is not None

    @property
    def resumed_size(self) -> int:
        """Return how many bytes an earlier run left."""
        return sum(map(len, self.resumed)) if self.resumed else 0

    @property
    def arrived(self) -> int:
        """Return how many bytes came in this run and are kept."""
        return sum(map(len, self.have)) - self.resumed_size

    @property
    def backlog(self) -> int:
        """Return how many bytes could be hashed at once and are not hashed yet."""
        return 0 if self._hashing is None else self._hashing.backlog

    def is_complete(self, size: int) -> bool:
        """Return whether all `size` bytes are on disk."""
        return not any(gaps(self.have, size))

    def resume(self, have: Spans) -> None:
        """Take over the bytes that an earlier run left."""
        self.have = self.resumed = have
        hashing = self._open()
        for span in have:
            hashing.add(span.start, len(span), None)

    def write(self, start: int, buffer: bytearray, length: int) -> bytearray:
        """Write the first bytes of a buffer at `start`; return a buffer to fill next.

        That may be the same one. Raise `WorkspaceRefused` if they cannot be written.
        """
        hashing = self._open()
        assert self._descriptor is not None
        try:
            write_fully(self._descriptor, memoryview(buffer)[:length], start)
        except OSError as error:
            raise refused("a file cannot be written", self.path, error) from error
        self.have = joined((*self.have, Span(start, start + length)))
        spare = self._store.buffers.take()
        hashing.add(start, length, buffer if spare is not None else None)
        return buffer if spare is None else spare

    def store_whole(self, data: memoryview) -> Digests:
        """Write a small file at once, and return its digests; raise `WorkspaceRefused`."""
        self._store.partials.store(self._key, data)
        self.have = (Span(0, len(data)),) if data else ()
        return digests_of_bytes(data, self._digest)

    def finish_hashing(self) -> None:
        """Hash what is left of a complete file; `Store.on_hashed` gets the result."""
        self._open().close()

    def checkpoint(self, size: int | None, validator: str) -> None:
        """Record for the next run which bytes are on disk, if that has changed."""
        if self.is_open and size is not None and self.have != self._saved:
            self._store.partials.save(self._key, Record(size, validator, self.have))
            self._saved = self.have

    def discard(self) -> None:
        """Remove what is on disk."""
        self.close()
        self._store.partials.forget(self._key)
        self.have = self.resumed = self._saved = ()

    def close(self) -> None:
        """Close the file, and stop hashing it."""
        if self._hashing is not None:
            self._hashing.abandon()
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._hashing = self._descriptor = None

    def _open(self) -> Hashing:
        if self._descriptor is None or self._hashing is None:
            store = self._store
            self._descriptor = store.partials.open(self._key, fresh=not self.resumed)
            for_hashing = os.dup(self._descriptor)  # the hashing may outlive this one
            self._hashing = Hashing(for_hashing, store.buffers, store.threads, self._report)
        return self._hashing

    def _report(self, hashing: Hashing) -> None:
        """Pass the digests on; runs on a thread of the pool."""
        try:
            if hashing.abandoned:
                return
            found: Digests | OSError = hashing.digests(self._digest)
        except OSError as error:
            found = error
        finally:
            os.close(hashing.descriptor)
        if not hashing.abandoned:
            self._store.on_hashed(self._index, found)
