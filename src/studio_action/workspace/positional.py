"""Reading and writing a file at a position, from several threads at once.

POSIX has calls for that. Elsewhere all descriptors of one opening share one position, so it is set
and used under a lock: one for all files, since a block is copied to or from memory in no time.
"""

from __future__ import annotations

import os
import sys
import threading

_POSITION = threading.Lock()


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """Read up to `length` bytes at `offset`; raise `OSError` as it comes."""
    if sys.platform != "win32":
        return os.pread(descriptor, length, offset)
    return seek_and_read(descriptor, length, offset)


def write_at(descriptor: int, data: memoryview, offset: int) -> int:
    """Write at `offset`; return how many bytes were written. Raise `OSError` as it comes."""
    if sys.platform != "win32":
        return os.pwrite(descriptor, data, offset)
    return seek_and_write(descriptor, data, offset)


def seek_and_read(descriptor: int, length: int, offset: int) -> bytes:
    """Do what `read_at` does, without the operating system's help."""
    with _POSITION:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


def seek_and_write(descriptor: int, data: memoryview, offset: int) -> int:
    """Do what `write_at` does, without the operating system's help."""
    with _POSITION:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)
