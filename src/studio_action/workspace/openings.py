"""Open a file without following a link, wherever the operating system can or cannot do that itself.

POSIX has `O_NOFOLLOW`. Windows has nothing that Python's `os.open` could say, so the name is looked
at before and after: a link that is there is refused, and one that is slipped in between is found
out before a byte is read, written or cut off.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import PureWindowsPath

ALWAYS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
"""Flags of every opening: not for child processes and, on Windows, bytes as they are."""

_NAME_SURROGATE = 0x20000000
"""The bit of a reparse tag that stands for another file: symbolic links and junctions have it."""
_LONGEST_PLAIN = 247
"""Characters that a path of a folder may have in the older calls of Windows."""


def open_unfollowed(
    path: str | os.PathLike[str], flags: int, mode: int = 0o666, folder: int | None = None
) -> int:
    """Return a descriptor of `path`, relative to the descriptor `folder` where there are such.

    Raise `OSError`, `ELOOP` for a link.
    """
    if sys.platform != "win32":
        return os.open(path, flags | os.O_NOFOLLOW | ALWAYS, mode, dir_fd=folder)
    return open_checked(path, flags, mode)


def open_checked(path: str | os.PathLike[str], flags: int, mode: int = 0o666) -> int:
    """Do the same without the operating system's help."""
    place = extended(os.fspath(path))
    with suppress(FileNotFoundError):  # it is to be made, or the opening says that it is missing
        _refuse_link(os.lstat(place), place)
    descriptor = os.open(place, flags & ~os.O_TRUNC | ALWAYS, mode)
    try:
        found = os.lstat(place)
        _refuse_link(found, place)
        if not os.path.samestat(found, os.fstat(descriptor)):
            raise _link_at(place)
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_link(found: os.stat_result) -> bool:
    """Return whether an `lstat` is that of a symbolic link or, on Windows, of a junction."""
    tag: int = getattr(found, "st_reparse_tag", 0)
    return stat.S_ISLNK(found.st_mode) or bool(tag & _NAME_SURROGATE)


def _refuse_link(found: os.stat_result, place: str) -> None:
    if is_link(found):
        raise _link_at(place)


def _link_at(place: str) -> OSError:
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP), place)


def extended(path: str) -> str:
    r"""Return a path that Windows takes at any length: beyond 247 characters, with `\\?\`.

    https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
    """
    return path if sys.platform != "win32" else extended_on_windows(path)


def extended_on_windows(path: str) -> str:
    """Return what `extended` returns on Windows."""
    whole = PureWindowsPath(path)
    if len(path) <= _LONGEST_PLAIN or not whole.is_absolute() or path.startswith("\\\\?\\"):
        return path
    text = str(whole)  # no slashes: nothing is translated behind the prefix
    return f"\\\\?\\UNC\\{text[2:]}" if text.startswith("\\\\") else f"\\\\?\\{text}"
