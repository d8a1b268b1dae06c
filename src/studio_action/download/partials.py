"""Unfinished files, kept where the next run finds them.

Beside the data of a large file lies a record of its size, its validator and which bytes are there.
The record is replaced atomically, and only after those bytes were written, so it is true even if
the process is killed. After a power failure it may name bytes that never reached the disk: then the
file's digest finds out, and a file without a known digest is started over.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import cast

from studio_action.download.parts import Span, Spans, joined
from studio_action.errors import WorkspaceRefused
from studio_action.model.artifact import RemoteFile
from studio_action.net import bounded_json
from studio_action.text import human_size
from studio_action.workspace import locks, positional, regular_files
from studio_action.workspace.folders import open_folder
from studio_action.workspace.workspace import refused

STALE = 7 * 24 * 3600.0
"""Seconds after which a partial file is removed."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LARGEST_RECORD = 16 << 20
_FLAGS = os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a partial file: its complete size, its ETag, and the bytes there are."""

    size: int
    validator: str
    have: Spans


def key_of(file: RemoteFile) -> str:
    """Return the name of a file's data: the same for the same content at the same path."""
    return hashlib.sha256(f"{file.digest}\0{file.path}".encode()).hexdigest()[:32]


def boot_id() -> str:
    """Return what changes whenever the machine boots; '' if the system does not tell."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


class Partials:
    """A folder of partial files that this process alone uses, until it is closed.

    It takes the first folder below `parent` that no other process has locked, so that two
    processes with one workspace do not disturb each other.
    """

    def __init__(self, parent: Path, *, boot: str) -> None:
        self._boot = boot
        with _explained(parent):
            parent.mkdir(parents=True, exist_ok=True)
            for number in count():
                self.folder = parent / str(number)
                self._lock_path = parent / f"{number}.lock"
                lock = locks.open_locked(self._lock_path)
                if lock is not None:
                    self._lock = lock
                    break
            self.folder.mkdir(exist_ok=True)
            self._dir = open_folder(self.folder)
            self._found = self._sweep()

    def _sweep(self) -> set[str]:
        """Remove what is stale or no file; return the names of the rest."""
        now = time.time()
        names = set()
        for entry in self._dir.scan():
            fresh = now - entry.stat(follow_symlinks=False).st_mtime < STALE
            if fresh and entry.is_file(follow_symlinks=False):
                names.add(entry.name)
            elif entry.is_dir(follow_symlinks=False):
                shutil.rmtree(self.folder / entry.name)
            else:
                self._dir.unlink(entry.name)
        return names

    def path(self, key: str) -> Path:
        """Return where the data of a partial file lies."""
        return self.folder / key

    def require_space(self, missing: int) -> None:
        """Raise `WorkspaceRefused` if fewer than `missing` bytes are free."""
        with _explained(self.folder):
            free = self._dir.free()
        if missing > free:
            raise WorkspaceRefused(
                f"the model needs {human_size(missing)} more, but only {human_size(free)} are free"
                f" in {str(self.folder)!r}",
                "Free some space, or use a runner with a larger disk",
            )

    def open(self, key: str, *, fresh: bool) -> int:
        """Return a descriptor of the data, which is made if missing, and emptied if `fresh`."""
        flags = _FLAGS | (os.O_TRUNC if fresh else 0)
        with _explained(self.folder / key):
            return self._dir.open(key, flags)

    def store(self, key: str, data: memoryview) -> None:
        """Write a small file at once; raise `WorkspaceRefused`."""
        try:
            descriptor = self._dir.open(key, _FLAGS | os.O_TRUNC)
            try:
                write_fully(descriptor, data, 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _refused(self.folder / key, error) from error

    def resume(self, file: RemoteFile, *, checked: bool) -> Record | None:
        """Return what an earlier run left of `file` and can be trusted; remove the rest.

        `checked`: the complete file will be compared with its digest. Then data without a record
        is used as well: it may be complete, and the digest tells.
        """
        if not self._found:
            return None
        key = key_of(file)
        if key not in self._found:
            return None
        has_digest = checked and file.digest is not None
        with _explained(self.folder / key):
            size = self._dir.status(key).st_size
        if f"{key}.json" in self._found:
            record = self._load(key, size, has_digest=has_digest)
        else:
            record = Record(size, "", (Span(0, size),)) if has_digest and size else None
        if record is None:
            self.forget(key)
        return record

    def _load(self, key: str, size: int, *, has_digest: bool) -> Record | None:
        try:
            content = regular_files.read(f"{key}.json", _LARGEST_RECORD, within=self._dir)
            found = cast(dict[str, object], bounded_json.read(content))
            record, boot = _record(found), found["boot"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not has_digest and not (boot and boot == self._boot and record.validator):
            return None
        if record.have and not 0 <= record.have[0].start <= record.have[-1].end <= record.size:
            return None
        # Without a digest, one byte is left to request: the answer tells if the file has changed.
        last = min(size, record.size if has_digest else record.size - 1)
        there = joined(Span(span.start, min(span.end, last)) for span in record.have)
        return Record(record.size, record.validator, there)

    def save(self, key: str, record: Record) -> None:
        """Record which bytes have been written. If the disk is full, the last record stays."""
        text = json.dumps(
            {
                "size": record.size,
                "validator": record.validator,
                "have": [[span.start, span.end] for span in record.have],
                "boot": self._boot,
            }
        )
        new = f"{key}.json.new"
        with suppress(OSError):
            descriptor = self._dir.open(new, _FLAGS | os.O_TRUNC)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            self._dir.rename(new, f"{key}.json")

    def forget(self, key: str) -> None:
        """Remove the record and then the data, so that no record is left without its data."""
        with _explained(self.folder / key):
            for name in (f"{key}.json", key):
                with suppress(FileNotFoundError):
                    self._dir.unlink(name)

    def close(self) -> None:
        """Unlock the folder, and remove the records whose data has been moved away."""
        with suppress(OSError):
            names = {entry.name for entry in self._dir.scan()}
            for name in names:
                if name.endswith((".json", ".json.new")) and name.partition(".")[0] not in names:
                    self._dir.unlink(name)
        self._dir.close()
        with suppress(OSError):  # not empty: something is kept for the next run
            self.folder.rmdir()
        locks.remove_and_unlock(self._lock_path, self._lock)


def _record(found: dict[str, object]) -> Record:
    have = cast(list[list[int]], found["have"])
    spans = joined(Span(int(start), int(end)) for start, end in have)
    return Record(int(cast(int, found["size"])), str(found["validator"]), spans)


def write_fully(descriptor: int, data: memoryview, offset: int) -> None:
    """Write all of `data` at `offset`; raise `OSError` as it comes."""
    while data:
        written = positional.write_at(descriptor, data, offset)
        data, offset = data[written:], offset + written


@contextmanager
def _explained(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused(place, error) from error


def _refused(place: Path, error: OSError) -> WorkspaceRefused:
    return refused("a partial file cannot be kept", place, error)
