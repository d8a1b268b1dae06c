"""Locks between processes, on files: flock(2), and on Windows the lock of a file's first byte.

The kernel releases a lock when its holder closes the file or dies, so a killed process leaves no
lock behind. A holder may remove the lock file as it lets go. On POSIX, whoever opened the file
before that then locks a file that has no name any more, and has to look whether it `is_removed`;
Windows removes no file that is open.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from studio_action.workspace.openings import open_unfollowed

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FLAGS = os.O_RDWR | os.O_CREAT
_HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""What a call says of a lock that somebody else has; the last two are those of Windows."""


class HasDescriptor(Protocol):
    """An open file."""

    def fileno(self) -> int:
        """Return the file's descriptor."""
        ...


def try_lock(file: HasDescriptor | int) -> bool:
    """Lock an open file for its holder alone; return False at once if somebody else has it."""
    try:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            descriptor = file if isinstance(file, int) else file.fileno()
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


def lock_shared(file: HasDescriptor | int) -> None:
    """Lock an open file together with others that share it; wait until nobody has it alone.

    For the server, which does not run on Windows.
    """
    if sys.platform != "win32":
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
        descriptor = open_unfollowed(path, _FLAGS)
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


def remove_and_unlock(path: Path, descriptor: int) -> None:
    """Remove a lock file that we hold, and let go of it."""
    if sys.platform != "win32":
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)
    else:
        os.close(descriptor)
        with suppress(OSError):  # another process has it already
            path.unlink()
