"""The files of one commit of a repository, of which only the folders on the way are read."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.git.objects import LARGEST_READ, Objects
from studio_action.text import human_size

if TYPE_CHECKING:
    from studio_action.gitrepo.git.commit import Commit
    from studio_action.gitrepo.git.trees import Entry

_LARGEST_READS = 4 * LARGEST_READ
_MOST_SEEN = 10_000
"""Entries of a repository that is looked through as a whole before anything is asked of it."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The files of one commit; implements `dvc.project.Files`."""

    revision: str
    objects: Objects

    def listing(self, folder: str) -> Mapping[str, Entry]:
        """Return what is in a folder, '' being the top one, by name; nothing where it is no folder.

        Raises `UnexpectedAnswer` for folders that Git's own tools do not make.
        """
        found = self.objects.tree(f"{self.revision}^{{tree}}")
        for part in folder.split("/") if folder else ():
            entry = found.get(part)
            if entry is None or not entry.is_folder:
                return {}
            found = self.objects.tree(entry.name)
        return found

    def commit(self) -> Commit:
        """Return who made the commit, when and why; raises what `commit_content` raises."""
        from studio_action.gitrepo.git.commit import Commit  # late: its content alone is asked for

        return Commit.parse(self.revision, self.objects.commit_content(self.revision))

    def find(self, path: str) -> Entry | None:
        """Return what is at `path`; None where there is nothing."""
        folder, name = posixpath.split(path)
        return self.listing(folder).get(name)

    def fetch(self, paths: Iterable[str]) -> None:
        """Fetch the content of the files that are there, by one request."""
        self.objects.fetch(entry.name for entry in self._files(paths).values())

    def fetch_all(self, wanted: Callable[[str], bool]) -> None:
        """Fetch the content of all files whose paths are `wanted`, by one request.

        Of a repository of more than some thousand files it has those near the top.
        """
        if self.objects.url:  # else there is nowhere to fetch from
            self.objects.fetch(entry.name for entry in self._first(wanted))

    def read(self, paths: Collection[str]) -> Mapping[str, bytes]:
        """Return the content of the files that are there, by path; fetched by one request.

        Raises `UnexpectedAnswer` where that is absurdly much.
        """
        there = self._files(paths)
        self.objects.fetch(entry.name for entry in there.values())
        found: dict[str, bytes] = {}
        left = _LARGEST_READS
        for path, entry in there.items():
            found[path] = self.objects.read(entry.name)
            left -= len(found[path])
            if left < 0:
                raise UnexpectedAnswer(
                    f"the files to read at {self.revision[:7]} are larger than"
                    f" {human_size(_LARGEST_READS)} together"
                )
        return found

    def read_one(self, path: str, largest: int) -> bytes:
        """Return the content of the file at `path`, which is there.

        Raises `UnexpectedAnswer` if it has more than `largest` bytes.
        """
        entry = self._files([path])[path]
        self.objects.fetch([entry.name])
        return self.objects.read(entry.name, largest)

    def save(self, path: str, to: Path) -> None:
        """Write the content of the file at `path`, which is there, to `to`."""
        entry = self._files([path])[path]
        self.objects.fetch([entry.name])
        self.objects.save(entry.name, to)

    def _files(self, paths: Iterable[str]) -> dict[str, Entry]:
        found = ((path, self.find(path)) for path in paths)
        return {path: entry for path, entry in found if entry is not None and entry.is_file}

    def _first(self, wanted: Callable[[str], bool]) -> Iterator[Entry]:
        """Yield the wanted files among the first entries, upper folders before lower ones."""
        left = _MOST_SEEN
        folders = [("", f"{self.revision}^{{tree}}")]
        for folder, name in folders:  # grows meanwhile
            entries = self.objects.tree(name)
            left -= len(entries)
            if left < 0:
                return
            for name_in_it, entry in entries.items():
                path = posixpath.join(folder, name_in_it)
                if entry.is_folder:
                    folders.append((path, entry.name))
                elif entry.is_file and wanted(path):
                    yield entry
