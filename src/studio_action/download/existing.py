"""What is at the final paths already: nothing is fetched twice, or overwritten without leave."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio_action.download.base import Fetched
from studio_action.download.checksums import digests_of_file
from studio_action.download.copying import Check
from studio_action.errors import WorkspaceRefused
from studio_action.model.plan import Placement
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import refused


@dataclass(frozen=True, slots=True)
class Landing:
    """A placement and the absolute path that it means."""

    placement: Placement
    place: Path


@dataclass(frozen=True, slots=True)
class Sorted:
    """Files that are there already, by path, and those that are to be fetched."""

    kept: dict[str, Fetched]
    missing: tuple[Landing, ...]


def sort(landings: Sequence[Landing], *, overwrite: bool, check: Check) -> Sorted:
    """Separate the files that are there with the right content from those to be fetched.

    Raise `WorkspaceRefused` for a folder at a final path, and, without `overwrite`, for any other
    file whose content is not known to be the one wanted; and what `check` raises.
    """
    kept: dict[str, Fetched] = {}
    missing: list[Landing] = []
    empty = _EmptyFolders()
    for landing in landings:
        if empty.has(landing.place):
            missing.append(landing)
            continue
        found = _same_content(landing, check)
        if found is None:
            _check_replaceable(landing.place, overwrite)
            missing.append(landing)
        else:
            kept[landing.placement.file.path] = found
    return Sorted(kept, tuple(missing))


class _EmptyFolders:
    """Which folders are missing or hold nothing: then nothing is at any place in them."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}

    def has(self, place: Path) -> bool:
        """Return whether the folder that `place` is in is one of them."""
        folder = str(place).rpartition(os.sep)[0]
        if folder not in self._known:
            self._known[folder] = _is_empty(folder or os.sep)
        return self._known[folder]


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True
    except OSError:  # each place in it tells why
        return False


def _same_content(landing: Landing, check: Check) -> Fetched | None:
    """Return the file at the final path; None if its content is not the one that is wanted."""
    file = landing.placement.file
    try:
        status = regular_files.status(landing.place)
        if not stat.S_ISREG(status.st_mode) or file.digest is None:
            return None
        if file.size is not None and file.size != status.st_size:
            return None
        found = digests_of_file(landing.place, file.digest, check)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refused("a file that is there cannot be read", landing.place, error) from error
    if found.stored_as != file.digest:
        return None
    return Fetched(
        file, landing.place, found.size, found.md5, found.sha256, found.rule, 0, "workspace"
    )


def _check_replaceable(place: Path, overwrite: bool) -> None:
    """Raise `WorkspaceRefused` if what is there must not be replaced."""
    try:
        status = regular_files.status(place)
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(status.st_mode):
        raise WorkspaceRefused(
            f"{str(place)!r} is a folder, but the model has a file of that name",
            "Give another dest, or remove it",
        )
    if not overwrite:
        raise WorkspaceRefused(
            f"{str(place)!r} exists with other content, and overwrite is false",
            "Remove it, give another dest, or allow overwrite",
        )
