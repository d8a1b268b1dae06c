"""A folder that is held open while files are made, moved and removed in it.

Others may change the tree meanwhile, and put a link where a folder was. POSIX works on a
descriptor, which stays the same folder whatever happens to its name. Elsewhere the folder is known
by its path, and looked at before each call: `by_path` says what is left of a risk.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Protocol


class Folder(Protocol):
    """A folder. All names are of files in it, and no link is followed. All may raise `OSError`."""

    @property
    def path(self) -> Path:
        """Return where it was when it was opened."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...

    def enter(self, name: str) -> Folder:
        """Open a folder in it."""
        ...

    def make(self, name: str) -> bool:
        """Make a folder in it; return whether there was nothing of that name."""
        ...

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Return the descriptor of a file."""
        ...

    def status(self, name: str) -> os.stat_result:
        """Return the `lstat` of a file."""
        ...

    def scan(self) -> list[os.DirEntry[str]]:
        """Return all that is in it."""
        ...

    def free(self) -> int:
        """Return the bytes that this user may still write to its file system."""
        ...

    def link(self, name: str, other: str) -> None:
        """Give a file a second name."""
        ...

    def rename(self, name: str, other: str) -> None:
        """Rename a file, replacing what is there."""
        ...

    def take(self, source: Path, name: str) -> None:
        """Move a file of the same file system into the folder, replacing what is there."""
        ...

    def hand_out(self, name: str, target: Path) -> None:
        """Move a file out of the folder, replacing what is there."""
        ...

    def unlink(self, name: str) -> None:
        """Remove a file."""
        ...

    def chmod(self, name: str, mode: int) -> None:
        """Set the mode of a file that is no link."""
        ...

    def chown(self, name: str, uid: int, gid: int) -> None:
        """Set the owner of a file."""
        ...


def open_folder(path: Path) -> Folder:
    """Open the folder at `path`; its last part must be no link."""
    if sys.platform != "win32":
        from studio_action.workspace.by_descriptor import DescriptorFolder

        return DescriptorFolder.open_at(path)
    from studio_action.workspace.by_path import PathFolder

    return PathFolder.open_at(path)
