"""All files of a model reach their final paths together, or none does.

Each file appears whole, by a rename. What it replaces is kept beside it until the last file is in
place, and comes back if anything fails or the step is stopped meanwhile.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from studio_action.workspace.folders import Folder
from studio_action.workspace.removing import Removal, Removing
from studio_action.workspace.workspace import Owner, Workspace, refused


@dataclass(frozen=True, slots=True)
class Move:
    """A finished file at `partial`, and the final path `target` that it is to have."""

    partial: Path
    target: Path
    executable: bool = False


@dataclass(slots=True)
class _Step:
    """One move under way; `folder` is the target's folder."""

    move: Move
    folder: Folder
    name: str
    inode: int
    spare: str
    replaces: bool = True


def place_files(
    moves: Iterable[Move], workspace: Workspace, removals: Iterable[Removal] = ()
) -> list[Path]:
    """Make every move or none; raise `WorkspaceRefused` for what the file system refuses.

    What `removals` name is gone then, if it was as they say. Return what was removed.
    """
    mask = _umask()
    steps: list[_Step] = []
    mark = secrets.token_hex(8)
    with ExitStack() as folders:
        removing = folders.enter_context(Removing(workspace))
        opened: dict[str, Folder] = {}
        try:
            for removal in removals:
                removing.set_aside(removal)
            for move in moves:
                parent, _, name = str(move.target).rpartition(os.sep)
                if parent not in opened:
                    opened[parent] = folders.enter_context(workspace.folder(Path(parent)))
                mode = (0o777 if move.executable else 0o666) & ~mask
                inode = _prepare(move.partial, mode, workspace)
                spare = f".{mark}-{len(steps)}.studio-action"
                step = _Step(move, opened[parent], name, inode, spare)
                steps.append(step)
                _keep_spare(step)
                _rename(step, workspace)
        except BaseException as error:
            for step in reversed(steps):
                _undo(step)
            removing.undo()
            if isinstance(error, OSError):
                raise refused("a file cannot be placed", move.target, error) from error
            raise
        for step in steps:
            if step.replaces:
                with suppress(FileNotFoundError):
                    step.folder.unlink(step.spare)
        return removing.finish()


def _prepare(partial: Path, mode: int, workspace: Workspace) -> int:
    """Give the file the mode and the owner that it is to have; its inode is returned."""
    found = partial.stat()
    if stat.S_IMODE(found.st_mode) != mode:
        partial.chmod(mode)
    if workspace.owner != Owner(found.st_uid, found.st_gid):
        workspace.give(partial)
    return found.st_ino


def _keep_spare(step: _Step) -> None:
    """Keep what is at the final path under another name, without taking it away if possible."""
    try:
        step.folder.link(step.name, step.spare)
    except FileNotFoundError:
        step.replaces = False
    except OSError:  # a file of somebody else's, or a file system without links
        if stat.S_ISDIR(step.folder.status(step.name).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
        step.folder.rename(step.name, step.spare)


def _rename(step: _Step, workspace: Workspace) -> None:
    try:
        step.folder.take(step.move.partial, step.name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(step, workspace)


def _copy(step: _Step, workspace: Workspace) -> None:
    """Move the file across file systems: copy it beside the final path, then rename."""
    beside = step.spare + ".copy"
    descriptor = step.folder.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with step.move.partial.open("rb") as source, os.fdopen(descriptor, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
            if sys.platform != "win32":  # by the descriptor: a name may be another file's by now
                os.fchmod(sink.fileno(), step.move.partial.stat().st_mode & 0o777)
                if workspace.owner:
                    os.fchown(sink.fileno(), workspace.owner.uid, workspace.owner.gid)
            step.inode = os.fstat(sink.fileno()).st_ino
        step.folder.rename(beside, step.name)
    except BaseException:
        with suppress(OSError):
            step.folder.unlink(beside)
        raise
    step.move.partial.unlink()


def _undo(step: _Step) -> None:
    """Bring the final path back to what it was; the new file returns to its partial place."""
    with suppress(OSError):
        if step.folder.status(step.name).st_ino == step.inode:
            try:
                step.folder.hand_out(step.name, step.move.partial)
            except OSError:
                step.folder.unlink(step.name)
    with suppress(OSError):
        step.folder.rename(step.spare, step.name)
        step.folder.unlink(step.spare)  # left where both were one file already


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
