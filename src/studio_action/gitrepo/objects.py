"""The contents of files in a Git repository, by the names of their objects.

Where the repository is one of our own, contents come when they are asked for, many at a time
(https://git-scm.com/docs/partial-clone).
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import IO

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.program import Broken, Git, Unadvertised
from studio_action.text import human_size

LARGEST_READ = 256 << 20
"""Bytes of a file that is read into memory: a hundred thousand outputs take a tenth of it."""

FETCH = (
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-auto-gc",
    "--no-recurse-submodules",
    "--filter=blob:none",
)
"""What every fetch begins with: nothing comes but what is named, and of that no content."""

EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
"""What names all branches and tags."""

_NO_HAVES = ("-c", "fetch.negotiationAlgorithm=noop")
"""Says not which commits are here: a server would think that their content is here, too."""


@dataclass(slots=True)
class Fetched:
    """The objects that are known to be in a repository of our own; `whole`: all that there are.

    Several threads may know of one, each with `Objects` of its own.
    """

    names: set[str] = field(default_factory=set)
    whole: bool = False


@dataclass(slots=True)
class Objects:
    """The objects of the repository at `folder`; those it lacks come from `url`, if there is one.

    `kept` is a folder where what was read is found again by later ones. For one thread at a time;
    close it in the end. `refs` are what all is fetched by where single objects are not given.
    """

    folder: Path
    git: Git
    url: str = ""
    kept: Path | None = None
    refs: Sequence[str] = ("+refs/tags/*:refs/tags/*",)
    fetched: Fetched = field(default_factory=Fetched)
    _reader: Popen[bytes] | None = field(default=None, init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False)

    def close(self) -> None:
        """End the process that reads."""
        self._open.close()
        self._reader = None

    def have(self, names: Iterable[str]) -> None:
        """Fetch what is not there yet, by one request."""
        wanted = set(names) - self.fetched.names
        missing = sorted(
            each for each in wanted if not (self.kept and self.kept.joinpath(each).exists())
        )
        if self.url and missing and not self.fetched.whole:
            self._fetch(missing)
        self.fetched.names.update(missing)

    def _fetch(self, names: Sequence[str]) -> None:
        """Fetch objects; all that tags lead to, where the server does not give single ones."""
        wanted = "".join(f"{name}\n" for name in names).encode()
        words = (*_NO_HAVES, *FETCH, "--stdin", "origin")
        try:
            self.git.talk(self.folder, self.url, *words, stdin=wanted)
        except Unadvertised:
            whole = (*FETCH, "--no-filter", "--refetch", "origin", *self.refs)
            self.git.talk(self.folder, self.url, *whole)
            self.fetched.whole = True

    def read(self, name: str) -> bytes:
        """The content of a file; raise `UnexpectedAnswer` if it is absurdly large."""
        if self.kept is None:
            return self._read(name)
        return self.file(name, self.kept, largest=LARGEST_READ).read_bytes()

    def file(self, name: str, folder: Path, largest: int | None = None) -> Path:
        """The content as a file of `folder`, which holds nothing but such files.

        What is there already is used if it is whole; there may be power failures. `largest` is in
        bytes: raises `UnexpectedAnswer` beyond.
        """
        place = folder / name
        if not _is_whole(place, name):
            place.unlink(missing_ok=True)
            self.have([name])
            folder.mkdir(parents=True, exist_ok=True)
            with _appearing(place) as file:
                self._copy(name, file, largest)
        return place

    def save(self, name: str, to: Path) -> None:
        """Write the content of a file, of whatever size, to `to`."""
        with to.open("wb") as file:
            self._copy(name, file)

    def _read(self, name: str) -> bytes:
        whole = io.BytesIO()
        self._copy(name, whole, LARGEST_READ)
        return whole.getvalue()

    def _copy(self, name: str, to: IO[bytes], largest: int | None = None) -> None:
        content, left = self._content(name)
        if largest is not None and left > largest:
            self.close()
            raise UnexpectedAnswer(f"a file of the repository has {human_size(left)}")
        while left:
            block = content.read(min(left, 1 << 20))
            if not block:
                raise self._broken()
            to.write(block)
            left -= len(block)
        if not content.read(1):  # a line feed follows
            raise self._broken()

    def _content(self, name: str) -> tuple[IO[bytes], int]:
        """Where the object's bytes and then a line feed come from, and how many bytes they are."""
        if self._reader is None:
            process = self.git.process(self.folder, "cat-file", "--batch")
            self._reader = self._open.enter_context(process)
        asked, answered = self._reader.stdin, self._reader.stdout
        assert asked is not None
        assert answered is not None
        try:
            asked.write(f"{name}\n".encode())
            asked.flush()
        except BrokenPipeError:
            raise self._broken() from None
        head = answered.readline().split()
        if len(head) != 3:
            raise self._broken()
        return answered, int(head[2])

    def _broken(self) -> Broken:
        self.close()
        return Broken(
            f"the repository at {str(self.folder)!r} lacks the content of a file",
            "Fetch it whole, or give the repository's address instead of a folder",
        )


def _is_whole(place: Path, name: str) -> bool:
    """Whether the file at `place` is the content of the Git object `name`."""
    try:
        with place.open("rb") as file:
            digest = hashlib.new("sha1" if len(name) == 40 else "sha256", usedforsecurity=False)
            digest.update(b"blob %d\0" % os.fstat(file.fileno()).st_size)
            while block := file.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == name


@contextmanager
def _appearing(place: Path) -> Iterator[IO[bytes]]:
    """A file that is at `place` when the block has ended well, and never in part."""
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield file
            file.flush()
            temporary.replace(place)
        except BaseException:
            temporary.unlink()
            raise
