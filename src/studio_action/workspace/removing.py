"""Files that are removed together with a move of others: those that are as they once were placed.

A file is first given another name beside its own. It comes back if anything fails meanwhile. What
is not a regular file with the content that is named, or is behind a symbolic link, is left alone.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from studio_action.workspace import regular_files
from studio_action.workspace.folders import Folder
from studio_action.workspace.workspace import Workspace, refused

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Removal:
    """A file that is to be removed if its SHA-256, hexadecimal, is still this one."""

    target: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class _Aside:
    """A file that is called `spare` for now."""

    target: Path
    folder: Folder
    spare: str


class Removing:
    """Removals of one workspace; use it as a context manager, which closes its folders."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._aside: list[_Aside] = []
        self._folders: list[Folder] = []

    def __enter__(self) -> Removing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for folder in self._folders:
            folder.close()

    def set_aside(self, removal: Removal) -> None:
        """Take one file away for now; do nothing if it is not as it was placed.

        Raises `WorkspaceRefused` where the file system does not let us.
        """
        target = removal.target
        folder = self._workspace.existing_folder(target.parent)
        if folder is None:
            return
        self._folders.append(folder)
        seen = _unchanged(target.name, folder, removal.sha256)
        if seen is None:
            return
        aside = _Aside(target, folder, f".{secrets.token_hex(8)}.studio-action")
        try:
            folder.rename(target.name, aside.spare)
            self._aside.append(aside)
            if _seen(folder.status(aside.spare)) != seen:  # somebody put another one there
                _bring_back(self._aside.pop())
        except OSError as error:
            raise refused("a file cannot be removed", target, error) from error

    def undo(self) -> None:
        """Bring every file back."""
        while self._aside:
            _bring_back(self._aside.pop())

    def finish(self) -> list[Path]:
        """Remove the files for good; return their paths."""
        for each in self._aside:
            with suppress(FileNotFoundError):
                each.folder.unlink(each.spare)
        return [each.target for each in self._aside]


def _bring_back(each: _Aside) -> None:
    """Give a file its name again, unless somebody has put another one there."""
    with suppress(OSError):
        each.folder.link(each.spare, each.target.name)
        each.folder.unlink(each.spare)
        return
    with suppress(FileNotFoundError):
        each.folder.status(each.target.name)
        return
    with suppress(OSError):  # a file system without links
        each.folder.rename(each.spare, each.target.name)


_Seen = tuple[int, int, int, int]


def _seen(found: os.stat_result) -> _Seen:
    """Return what tells a file from another one, and from itself after a change."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _unchanged(name: str, folder: Folder, sha256: str) -> _Seen | None:
    """Return what the file is, if it is a regular one with this SHA-256; None for any other."""
    digest = hashlib.sha256()
    try:
        with regular_files.opened(name, folder) as descriptor:
            seen = _seen(os.fstat(descriptor))
            while block := os.read(descriptor, _BLOCK):
                digest.update(block)
    except OSError:  # it is not there, no regular file, or one that we may not read
        return None
    return seen if digest.hexdigest() == sha256 else None
