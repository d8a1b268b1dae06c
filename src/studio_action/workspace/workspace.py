"""The folder that the job works in: what lies inside it, and whose it is.

As root in a container, what was made must belong to the owner of the workspace, or the next run
on that machine cannot clean up (https://github.com/actions/runner/issues/434).
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from studio_action.errors import WorkspaceRefused
from studio_action.model.paths import STATE_FOLDER
from studio_action.model.windows_names import Flavour
from studio_action.text import printable
from studio_action.workspace.folders import Folder, open_folder

FLAVOUR: Flavour = "windows" if sys.platform == "win32" else "posix"
"""Whose names of files this machine has."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is to own what is made; None leaves it to the process."""

    uid: int
    gid: int

    @classmethod
    def of(cls, folder: Path) -> Owner | None:
        """Return the owner of `folder` if this process is root and may chown; else None."""
        if sys.platform == "win32" or os.geteuid() != 0:
            return None
        found = folder.stat()
        return cls(found.st_uid, found.st_gid)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder that nothing is written outside of. `root` has no symbolic link in it."""

    root: Path
    owner: Owner | None

    @classmethod
    def at(cls, folder: Path) -> Workspace:
        """Return the workspace at `folder`; raise `WorkspaceRefused` if it is no folder."""
        try:
            root = folder.resolve(strict=True)
            if not root.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            return cls(root, Owner.of(root))
        except OSError as error:
            raise refused("the workspace cannot be used", folder, error) from error

    def inside(self, path: PurePath) -> Path:
        """Return the real path of `path`, which is relative to the workspace or absolute.

        Raises `WorkspaceRefused` if it, or a symbolic link on its way, is outside the workspace.
        The last part may be missing, and so may folders above it; it is not followed.
        """
        whole = self.root / path
        if whole.name in ("", ".."):
            place = Path(os.path.realpath(whole))
        else:
            place = Path(os.path.realpath(whole.parent)) / whole.name
        if not place.is_relative_to(self.root):
            raise WorkspaceRefused(
                f"{printable(str(path), 200)!r} is outside the workspace",
                "Use a folder in the workspace, and check symbolic links on its path",
            )
        return place

    def place(self, path: PurePath) -> Path:
        """Return where a file that the user named goes: anywhere, if its path is absolute.

        Raises `WorkspaceRefused` if a relative path is outside the workspace.
        """
        return Path(path) if path.is_absolute() else self.inside(path)

    def places(self, folder: Path, targets: Iterable[PurePath]) -> Iterator[Path]:
        """Yield what `inside` returns for paths relative to `folder`; look up each parent once."""
        parents: dict[str, Path] = {}
        for target in map(str, targets):
            parent, _, name = target.rpartition("/")
            if parent not in parents:
                parents[parent] = self.inside(folder / parent / "file").parent
            yield parents[parent] / name

    def relative(self, place: Path) -> str:
        """Return `place` relative to the workspace, as later steps see it."""
        return str(place)[len(str(self.root)) :].replace(os.sep, "/").lstrip("/") or "."

    @contextmanager
    def folder(self, place: Path) -> Iterator[Folder]:
        """Open the folder `place`; make it, and those above it, if missing.

        No symbolic link is followed below the root, so that none can be slipped in meanwhile.
        """
        folder = open_folder(self.root)
        try:
            for part in place.relative_to(self.root).parts:
                inner = self._enter(part, folder)
                folder.close()
                folder = inner
            yield folder
        except OSError as error:
            raise refused("a folder cannot be made or entered", place, error) from error
        finally:
            folder.close()

    def _enter(self, part: str, within: Folder) -> Folder:
        if within.make(part) and self.owner:
            within.chown(part, self.owner.uid, self.owner.gid)
        return within.enter(part)

    def existing_folder(self, place: Path) -> Folder | None:
        """Open the folder `place`, which the caller closes; None if there is none.

        One behind a symbolic link is none.
        """
        folder = open_folder(self.root)
        try:
            for part in place.relative_to(self.root).parts:
                inner = folder.enter(part)
                folder.close()
                folder = inner
        except OSError:
            folder.close()
            return None
        return folder

    def state(self, *below: str) -> Path:
        """Return our own folder in the workspace, or one below it; make it if it is missing."""
        top = self.inside(PurePath(STATE_FOLDER))
        place = top.joinpath(*below)
        with self.folder(place):
            pass
        ignore = top / ".gitignore"
        if not ignore.exists():
            self.write(ignore, "*\n")
        return place

    def remove_state(self) -> None:
        """Remove our own folder, where nothing but a model may lie; raise `WorkspaceRefused`."""
        place = self.inside(PurePath(STATE_FOLDER))
        try:
            shutil.rmtree(place)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise refused("a folder cannot be removed", place, error) from error

    def write(self, place: Path, text: str, mode: int = 0o666) -> None:
        """Put `text` at `place`, whole or not at all; `mode` is subject to the umask."""
        temporary = f".{place.name[:200]}.{os.getpid()}.part"
        with self.folder(place.parent) as folder:
            try:
                descriptor = folder.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
                with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
                if self.owner:
                    folder.chown(temporary, self.owner.uid, self.owner.gid)
                folder.rename(temporary, place.name)
            except BaseException:
                with suppress(OSError):
                    folder.unlink(temporary)
                raise

    def give(self, place: str | Path) -> None:
        """Give `place` alone to the owner of the workspace."""
        if sys.platform != "win32" and self.owner:
            os.chown(place, self.owner.uid, self.owner.gid, follow_symlinks=False)

    def hand_over(self, place: Path) -> None:
        """Give `place`, and all below it, to the owner of the workspace."""
        if self.owner is None:
            return
        for folder, names, files in os.walk(place):
            for name in (".", *names, *files):
                self.give(os.path.join(folder, name))  # noqa: PTH118 - a hot loop over plain text


def refused(what: str, place: Path, error: OSError) -> WorkspaceRefused:
    """Return the error for a failure of the file system, with a hint."""
    hints = {
        getattr(errno, "EDQUOT", None): "The disk quota is used up: free some space",
        errno.ENOSPC: "Free some space, or use a runner with a larger disk",
        errno.EACCES: "Run as a user with write permission",
        errno.EPERM: "Run as a user with write permission",
        errno.EROFS: "Mount the workspace writable",
        errno.ELOOP: "Remove the symbolic link in its way",
        errno.ENOTDIR: "A file, or a symbolic link, is in the way of a folder",
        errno.ENOENT: "Is the folder mounted into the container?",
    }
    reason = os.strerror(error.errno) if error.errno else str(error)
    return WorkspaceRefused(
        f"{what}: {printable(str(place), 300)!r}: {reason}", hints.get(error.errno or 0, "")
    )
