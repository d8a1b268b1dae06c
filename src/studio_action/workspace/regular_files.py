"""Regular files of this machine that others may have put there: opened and read with an end.

What lies at a path may be anything: a pipe that nobody writes to, a device without an end, a
socket, a link to one of them. Here no link is followed, nothing is waited for, and only a regular
file is opened. DVC keeps its objects as regular files, too, also where a workspace links to them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio_action.workspace.folders import Folder
from studio_action.workspace.openings import extended, is_link, open_unfollowed

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotRegular(OSError):
    """Something else is there than a regular file."""


class TooLarge(OSError):
    """The file has more bytes than are wanted."""


@contextmanager
def opened(path: str | Path, within: Folder | None = None) -> Iterator[int]:
    """Open the regular file at `path`, or of that name in the folder `within`, for reading.

    The last component is not followed. Raises `NotRegular`, or `OSError` as it comes.
    """
    # Looked at before, too, since the opening of a device may already do something.
    if within is None:
        _check(status(path))
        descriptor = open_unfollowed(path, _FLAGS)
    else:
        _check(within.status(str(path)))
        descriptor = within.open(str(path), _FLAGS)
    try:
        _check(os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def read(path: str | Path, most: int, within: Folder | None = None) -> bytes:
    """Return the regular file at `path`; raise `TooLarge`, without reading, beyond `most` bytes."""
    with opened(path, within) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > most:
            raise TooLarge(f"it has {size} bytes, more than {most}")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(size)


def size(path: Path) -> int | None:
    """Return the size of the regular file at `path` in bytes; None if there is none to be seen."""
    try:
        found = status(path)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def status(path: str | Path) -> os.stat_result:
    """Return the `lstat` of a path of any length; raise `OSError`."""
    return os.lstat(extended(os.fspath(path)))


def _check(found: os.stat_result) -> None:
    if is_link(found) or not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise NotRegular(f"{kind}, where a regular file belongs")
