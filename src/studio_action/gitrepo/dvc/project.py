"""Which files of a revision DVC sees from one of its projects. Pure.

A repository may have several (`dvc init --subdir`): one in each folder with a folder `.dvc`. A path
belongs to the innermost around it; DVC reads what that project's files tell, and none of those that
`.dvcignore` files ignore or that belong to a project inside it (dvc, `repo/index.py`, `ignore.py`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc import dvcignore
from studio_action.gitrepo.dvc.dvcignore import Rules
from studio_action.gitrepo.git.trees import Entry
from studio_action.text import printable

DVC_FOLDER = ".dvc"

_MOST_ENTRIES = 1_000_000
_MOST_STEPS = 100_000_000
"""Of comparing names with patterns; a second is some millions."""
_DEEPEST = 100


class Files(Protocol):
    """The files of one revision of a repository."""

    @property
    def revision(self) -> str:
        """The commit; only shown."""
        ...

    def listing(self, folder: str) -> Mapping[str, Entry]:
        """Return all that is in a folder by name, '' being the top; nothing if it is none."""
        ...

    def fetch(self, paths: Iterable[str]) -> None:
        """Fetch the content of files that are there by one request, before they are read."""
        ...

    def read(self, paths: Collection[str]) -> Mapping[str, bytes]:
        """Return the content of files that are there, by path, fetched by one request."""
        ...


def find(path: str, files: Files) -> Entry | None:
    """Return what is at `path`, None where there is nothing."""
    folder, name = posixpath.split(path)
    return files.listing(folder).get(name)


def folders_to(path: str, top: str = "") -> Iterator[str]:
    """Yield `top`, and every folder below it on the way to `path`, which comes last."""
    yield top
    rest = path[len(top) :].strip("/")
    parts = rest.split("/") if rest else []
    for number in range(1, len(parts) + 1):
        yield posixpath.join(top, *parts[:number])


@dataclass(frozen=True)
class Project:
    """The files of a revision that belong to the project at `top`, '' being the repository.

    Paths are relative to the repository. Raises `UnexpectedAnswer` where a `.dvcignore` cannot be
    read or there is absurdly much to look through.
    """

    files: Files
    top: str
    _rules: dict[str, Rules] = field(default_factory=dict, init=False, repr=False)
    _spent: list[int] = field(default_factory=lambda: [0, 0], init=False, repr=False)

    @classmethod
    def containing(cls, path: str, files: Files) -> Project:
        """Return the innermost project at or around `path`, else the repository."""
        tops = [folder for folder in folders_to(path) if _has_project(folder, files)]
        return cls(files, tops[-1] if tops else "")

    def contains(self, path: str) -> bool:
        """Return whether `path` is in it, and in no project inside it."""
        if self.top and not path.startswith(f"{self.top}/"):
            return False
        inner = list(folders_to(posixpath.dirname(path), self.top))[1:]
        return not any(_has_project(each, self.files) for each in inner)

    def includes(self, path: str, *, folder: bool = False) -> bool:
        """Return whether DVC looks at a file or folder of the project, which need not be there."""
        if not self.contains(path):
            return False
        above = list(folders_to(posixpath.dirname(path), self.top))[1:]
        return not any(self._ignores(each, folder=True) for each in above) and not (
            self._ignores(path, folder=folder)
        )

    def walk(
        self, start: str, wanted: Callable[[str], bool] = lambda name: True
    ) -> Iterator[tuple[str, Entry]]:
        """Yield the files, links and submodules that DVC sees in a folder, with their paths.

        Only those whose names are `wanted`, upper folders before lower ones.
        """
        level = [start] if start == self.top or self.includes(start, folder=True) else []
        while level:
            self._read_rules(level)
            below: list[str] = []
            for folder in level:
                for name, entry in self._listing(folder).items():
                    path = f"{folder}/{name}" if folder else name
                    if entry.is_folder:
                        if not self._ignores(path, folder=True):
                            below.append(path)
                    elif wanted(name) and not self._ignores(path, folder=False):
                        yield path, entry
            level = [folder for folder in below if not _has_project(folder, self.files)]

    def inner(self) -> Iterator[Project]:
        """Yield the projects in it, and those in them."""
        level = [self.top]
        while level:
            self._read_rules(level)
            below = [
                path
                for folder in level
                for name, entry in self._listing(folder).items()
                if entry.is_folder
                and not self._ignores(path := posixpath.join(folder, name), folder=True)
            ]
            level = []
            for folder in below:
                if _has_project(folder, self.files):
                    project = Project(self.files, folder)
                    yield project
                    yield from project.inner()
                else:
                    level.append(folder)

    def _listing(self, folder: str) -> Mapping[str, Entry]:
        if folder.count("/") >= _DEEPEST:
            raise self._too_much(f"folders that are more than {_DEEPEST} deep")
        found = self.files.listing(folder)
        self._spent[0] += len(found)
        if self._spent[0] > _MOST_ENTRIES:
            raise self._too_much(f"more than {_MOST_ENTRIES:,} files")
        return found

    def _ignores(self, path: str, *, folder: bool) -> bool:
        """Return whether `path` is ignored, where no folder above it is."""
        rules = self._rules_of(path.rpartition("/")[0])
        seen = self._seen(path)
        self._spent[1] += rules.cost * (seen.count("/") + 1)
        if self._spent[1] > _MOST_STEPS:
            raise self._too_much("too many files for the patterns of its .dvcignore files")
        return rules.ignores(seen, folder=folder)

    def _read_rules(self, folders: Iterable[str]) -> None:
        """Read the `.dvcignore` files of folders in one go."""
        names = (posixpath.join(folder, dvcignore.NAME) for folder in folders)
        self.files.fetch([name for name in names if find(name, self.files)])

    def _rules_of(self, folder: str) -> Rules:
        if folder not in self._rules:
            self._rules[folder] = self._added(folder)
        return self._rules[folder]

    def _added(self, folder: str) -> Rules:
        above = Rules.always() if folder == self.top else self._rules_of(posixpath.dirname(folder))
        path = posixpath.join(folder, dvcignore.NAME)
        seen = self._seen(path)
        if find(path, self.files) is None or above.ignores(seen, folder=False):
            return above
        content = self.files.read([path]).get(path, b"")
        document = printable(f"{path} at {self.files.revision[:7]}", 300)
        return above.with_file(posixpath.dirname(seen), content, document)

    def _seen(self, path: str) -> str:
        """Return `path`, which is in it, as seen from its top folder."""
        return path[len(self.top) + 1 :] if self.top else path

    def _too_much(self, what: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"the repository has {what} at {self.files.revision[:7]}",
            "Annotate a path that a .dvc file beside it or a dvc.lock above it names",
        )


def _has_project(folder: str, files: Files) -> bool:
    found = files.listing(folder).get(DVC_FOLDER)
    return found is not None and found.is_folder
