"""What DVC's files tell of a path, and which of them cannot be read. Pure.

DVC reads every file of a project before it answers anything, so one broken file stops it. An output
stands in one file only, or DVC refuses the project. So where a file is found that tells of a path,
the broken ones have nothing to do with it and are left out, with a warning. Where none is found,
a broken one may be the one, and is the error. A folder that is no output itself may have parts
that any file tells of: there, a broken file is left out only if it cannot reach the folder, being
neither in it nor above it and without a `..` or anything that may become one.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from dataclasses import dataclass, field

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.outputs import (
    LOCK,
    PIPELINE,
    Output,
    is_dvc_file,
    is_in,
    nearest_dvc_files,
    output_around,
    read_file,
    read_outputs,
)
from studio_action.gitrepo.dvc.project import Project
from studio_action.text import first_few, human_size, printable

_REACHES_OUT = (b"..", b"\\", b"${", b"\0")
_MOST_NAMES = 5
MOST_FILES = 50_000
"""Files of DVC's in one project."""
MOST_BYTES = 32 << 20
"""Of them all together, as far as they are read."""


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file that cannot be read, or tells what makes no sense; `why` says which."""

    path: str
    why: UnexpectedAnswer
    reaches_out: bool

    def may_name(self, folder: str) -> bool:
        """Return whether it may tell of something in the folder."""
        home = posixpath.dirname(self.path)
        return self.reaches_out or is_in(home, folder) or not home or is_in(folder, home)


@dataclass
class OutputIndex:
    """What the files of one project tell, as far as they were read.

    `say` hears of the files that were left out.
    """

    project: Project
    say: Callable[[str], None]
    outputs: list[Output] = field(default_factory=list, init=False)
    broken: list[BrokenFile] = field(default_factory=list, init=False)
    _read: set[str] = field(default_factory=set, init=False)
    _bytes: int = field(default=0, init=False)

    def output_around(self, path: str) -> Output | None:
        """Return the output that is `path` or a folder around it.

        The files nearest to it are read first, and all of them only where those do not tell.
        """
        self._add(name for name in nearest_dvc_files(path) if self.project.includes(name))
        found = output_around(path, self.outputs)
        if found is None:  # rare, and slower where the files must be fetched first
            self.add_all()
            found = output_around(path, self.outputs)
        if found is not None:
            self._warn_of(self.broken, path)
        return found

    def outputs_in(self, folder: str) -> list[Output]:
        """Return the outputs in a folder that is in none; raise the error of a file that may tell
        more.
        """
        self.add_all()
        for each in self.broken:
            if each.may_name(folder):
                raise self._error_of(each, folder)
        self._warn_of(self.broken, folder)
        return [each for each in self.outputs if is_in(each.path, folder)]

    def check_broken(self, path: str) -> None:
        """Raise the error of a broken file if there is one: it may be what tells of `path`."""
        if self.broken:
            raise self._error_of(self.broken[0], path)

    def _error_of(self, first: BrokenFile, path: str) -> UnexpectedAnswer:
        """Return the error of a broken file, any of which may tell of `path`."""
        others = [printable(each.path, 100) for each in self.broken if each is not first]
        also = f"; broken as well: {first_few(others, _MOST_NAMES)}" if others else ""
        return UnexpectedAnswer(
            first.why.message,
            f"No other file names all of {printable(path, 200)}: correct that file{also}",
        )

    def add_all(self) -> None:
        """Read every file of the project."""
        self._add(sorted(path for path, _ in self.project.walk(self.project.top, is_dvc_file)))

    def _add(self, names: Iterable[str]) -> None:
        files = self.project.files
        new = dict.fromkeys(name for name in names if name not in self._read)
        self._read.update(new)
        if len(self._read) > MOST_FILES:
            raise self._too_much(f"more than {MOST_FILES:,} files of DVC's")
        files.fetch(new)
        for unit in _units(new.keys()):
            read = self._read_unit(unit)
            if self._bytes > MOST_BYTES:
                raise self._too_much(f"more than {human_size(MOST_BYTES)} in files of DVC's")
            if isinstance(read, BrokenFile):
                self.broken.append(read)
            else:
                self.outputs += read

    def _read_unit(self, unit: tuple[str, ...]) -> list[Output] | BrokenFile:
        project, content = self.project, dict[str, bytes]()
        try:
            content.update(project.files.read([name for name in unit if project.includes(name)]))
            self._bytes += sum(map(len, content.values()))
            outputs = list(read_outputs(content, project.files.revision, project.files.read))
            if (
                len(unit) == 1 and not outputs
            ):  # a pipeline that never ran has to be one all the same
                read_file(unit[0], content.get(unit[0], b""), project.files.revision).mapping()
        except UnexpectedAnswer as error:
            reaches = not content or any(
                sign in each for sign in _REACHES_OUT for each in content.values()
            )
            return BrokenFile(unit[0], error, reaches)
        return [each for each in outputs if project.contains(each.path)]

    def _too_much(self, what: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"the repository has {what} at {self.project.files.revision[:7]}",
            "Annotate a path that a .dvc file beside it or a dvc.lock above it names",
        )

    def _warn_of(self, files: Collection[BrokenFile], path: str) -> None:
        for each in files:
            self.say(
                f"{each.why.message}: skipped, because another file names {printable(path, 200)}"
            )


def broken_files(project: Project) -> Iterator[BrokenFile]:
    """Yield the files of a project, and of those inside it, that cannot be read."""
    for each in (project, *project.inner()):
        index = OutputIndex(each, lambda line: None)
        index.add_all()
        yield from index.broken


def _units(names: Set[str]) -> Iterator[tuple[str, ...]]:
    """Yield the files that tell something together: a lock and its pipeline, or one `.dvc` file."""
    for name in names:
        folder, last = posixpath.split(name)
        if last == LOCK:
            yield name, posixpath.join(folder, PIPELINE)
        elif last != PIPELINE or posixpath.join(folder, LOCK) not in names:
            yield (name,)
