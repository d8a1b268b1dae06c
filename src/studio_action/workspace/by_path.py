"""A folder that is known by its path: what Windows has instead of descriptors of folders.

The folder is looked at before each call: it must be the one that was opened, by its volume and
number, and no link or junction. Between that look and the call, somebody who may write to a folder
above it can still put a junction there. On Windows that is somebody who may write to the workspace:
the job's own user, or an administrator.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studio_action.workspace.openings import extended, is_link, open_checked


@dataclass(frozen=True, slots=True)
class PathFolder:
    """Implements `folders.Folder`."""

    path: Path
    identity: tuple[int, int]

    @classmethod
    def open_at(cls, path: Path) -> PathFolder:
        """Open the folder at `path`, whose last part must be no link."""
        return cls(path, _identity(path))

    def close(self) -> None:
        """Let go of it."""

    def enter(self, name: str) -> PathFolder:
        """Open a folder in it."""
        return PathFolder.open_at(self.path / name)

    def make(self, name: str) -> bool:
        """Make a folder in it; return whether there was nothing of that name."""
        try:
            self._at(name).mkdir()
        except FileExistsError:
            return False
        return True

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Return the descriptor of a file."""
        return open_checked(self._at(name), flags, mode)

    def status(self, name: str) -> os.stat_result:
        """Return the `lstat` of a file."""
        return self._at(name).lstat()

    def scan(self) -> list[os.DirEntry[str]]:
        """Return all that is in it."""
        with os.scandir(self._at("")) as entries:
            return list(entries)

    def free(self) -> int:
        """Return the bytes that this user may still write to its file system."""
        return shutil.disk_usage(self._at("")).free

    def link(self, name: str, other: str) -> None:
        """Give a file a second name."""
        source = self._at(name)
        if is_link(source.lstat()):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(source))
        os.link(source, self._at(other))

    def rename(self, name: str, other: str) -> None:
        """Rename a file, replacing what is there."""
        _replace(self._at(name), self._at(other))

    def take(self, source: Path, name: str) -> None:
        """Move a file of the same file system into the folder, replacing what is there."""
        _replace(_any_length(source), self._at(name))

    def hand_out(self, name: str, target: Path) -> None:
        """Move a file out of the folder, replacing what is there."""
        _replace(self._at(name), _any_length(target))

    def unlink(self, name: str) -> None:
        """Remove a file."""
        place = self._at(name)
        _writable_first(place, place.unlink)

    def chmod(self, name: str, mode: int) -> None:
        """Set the mode of a file that is no link."""
        place = self._at(name)
        if not is_link(place.lstat()):
            place.chmod(mode)

    def chown(self, name: str, uid: int, gid: int) -> None:
        """Do nothing: nobody hands files over where there are no user numbers."""

    def _at(self, name: str) -> Path:
        """Return the path of a file in the folder, if that is still the one that was opened."""
        if _identity(self.path) != self.identity:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(self.path))
        return _any_length(self.path / name)


def _identity(path: Path) -> tuple[int, int]:
    """Return the volume and the number of the folder at `path`; raise `OSError` for a link."""
    found = _any_length(path).lstat()
    if is_link(found):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    return found.st_dev, found.st_ino


def _any_length(path: Path) -> Path:
    return Path(extended(str(path)))


def _replace(source: Path, target: Path) -> None:
    _writable_first(target, lambda: source.replace(target))


def _writable_first(place: Path, act: Callable[[], object]) -> None:
    """Do something to the file at `place`; where Windows refuses that as read-only, try again."""
    try:
        act()
    except PermissionError:
        found = place.lstat()
        if is_link(found) or not stat.S_ISREG(found.st_mode) or found.st_mode & stat.S_IWRITE:
            raise
        place.chmod(stat.S_IWRITE | stat.S_IREAD)
        act()
