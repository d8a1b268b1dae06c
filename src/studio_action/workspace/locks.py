"""Locks between processes, on files, as flock(2) gives them.

The kernel releases a lock when its holder closes the file or dies, so a killed process leaves no
lock behind. A holder may remove the lock file before it lets go. Whoever opened the file before
that then locks a file that has no name any more, and has to look whether it `is_removed`.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class HasDescriptor(Protocol):
    """An open file."""

    def fileno(self) -> int:
        """Return the file's descriptor."""
        ...


def try_lock(file: HasDescriptor | int) -> bool:
    """Lock an open file for its holder alone; return False at once if somebody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_shared(file: HasDescriptor | int) -> None:
    """Lock an open file together with others that share it; wait until nobody has it alone."""
    fcntl.flock(file, fcntl.LOCK_SH)


def is_removed(file: HasDescriptor | int) -> bool:
    """Return whether an open file has no name any more."""
    descriptor = file if isinstance(file, int) else file.fileno()
    return os.fstat(descriptor).st_nlink == 0


def open_locked(path: Path) -> int | None:
    """Open the lock file `path`, which is made if it is missing, and lock it for us alone.

    Return its descriptor, or None if another process has the lock. Raise `OSError` if the file
    cannot be opened; a symbolic link cannot.
    """
    while True:
        descriptor = os.open(path, _FLAGS, 0o666)
        try:
            locked = try_lock(descriptor)
            if locked and not is_removed(descriptor):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not locked:
            return None
