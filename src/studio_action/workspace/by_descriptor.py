"""A folder that is held by its descriptor: the `*at` calls of POSIX."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from studio_action.workspace.openings import ALWAYS, open_unfollowed

assert sys.platform != "win32"

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | ALWAYS


@dataclass(frozen=True, slots=True)
class DescriptorFolder:
    """Implements `folders.Folder`."""

    path: Path
    descriptor: int

    @classmethod
    def open_at(cls, path: Path) -> DescriptorFolder:
        """Open the folder at `path`, whose last part must be no link."""
        return cls(path, os.open(path, _FLAGS))

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)

    def enter(self, name: str) -> DescriptorFolder:
        """Open a folder in it."""
        return DescriptorFolder(self.path / name, os.open(name, _FLAGS, dir_fd=self.descriptor))

    def make(self, name: str) -> bool:
        """Make a folder in it; return whether there was nothing of that name."""
        try:
            os.mkdir(name, dir_fd=self.descriptor)
        except FileExistsError:
            return False
        return True

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Return the descriptor of a file."""
        return open_unfollowed(name, flags, mode, self.descriptor)

    def status(self, name: str) -> os.stat_result:
        """Return the `lstat` of a file."""
        return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)

    def scan(self) -> list[os.DirEntry[str]]:
        """Return all that is in it."""
        with os.scandir(self.descriptor) as entries:
            return list(entries)

    def free(self) -> int:
        """Return the bytes that this user may still write to its file system."""
        found = os.fstatvfs(self.descriptor)
        return found.f_bavail * found.f_frsize

    def link(self, name: str, other: str) -> None:
        """Give a file a second name."""
        here = self.descriptor
        os.link(name, other, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)

    def rename(self, name: str, other: str) -> None:
        """Rename a file, replacing what is there."""
        os.replace(name, other, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def take(self, source: Path, name: str) -> None:
        """Move a file of the same file system into the folder, replacing what is there."""
        os.replace(source, name, dst_dir_fd=self.descriptor)

    def hand_out(self, name: str, target: Path) -> None:
        """Move a file out of the folder, replacing what is there."""
        os.replace(name, target, src_dir_fd=self.descriptor)

    def unlink(self, name: str) -> None:
        """Remove a file."""
        os.unlink(name, dir_fd=self.descriptor)

    def chmod(self, name: str, mode: int) -> None:
        """Set the mode of a file that is no link."""
        os.chmod(name, mode, dir_fd=self.descriptor)

    def chown(self, name: str, uid: int, gid: int) -> None:
        """Set the owner of a file."""
        os.chown(name, uid, gid, dir_fd=self.descriptor, follow_symlinks=False)
