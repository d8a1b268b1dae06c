"""The contents of files in a Git repository, by the names of their objects.

Where the repository is one of our own, contents come when they are asked for, many at a time
(https://git-scm.com/docs/partial-clone).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import IO

from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.gitrepo.program import Git, Unadvertised
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

_NO_HAVES = ("-c", "fetch.negotiationAlgorithm=noop")
"""Says not which commits are here: a server would think that their content is here, too."""


@dataclass(slots=True)
class Objects:
    """The objects of the repository at `folder`; those it lacks come from `url`, if there is one.

    Close it in the end.
    """

    folder: Path
    git: Git
    url: str = ""
    _fetched: set[str] = field(default_factory=set, init=False)
    _whole: bool = field(default=False, init=False)
    _reader: Popen[bytes] | None = field(default=None, init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False)

    def close(self) -> None:
        """End the process that reads."""
        self._open.close()
        self._reader = None

    def have(self, names: Iterable[str]) -> None:
        """Fetch what is not there yet, by one request."""
        missing = sorted(set(names) - self._fetched)
        if self.url and missing and not self._whole:
            self._fetch(missing)
        self._fetched.update(missing)

    def _fetch(self, names: Sequence[str]) -> None:
        """Fetch objects; all that tags lead to, where the server does not give single ones."""
        wanted = "".join(f"{name}\n" for name in names).encode()
        words = (*_NO_HAVES, *FETCH, "--stdin", "origin")
        try:
            self.git.talk(self.folder, self.url, *words, stdin=wanted)
        except Unadvertised:
            whole = (*FETCH, "--no-filter", "--refetch", "origin", "+refs/tags/*:refs/tags/*")
            self.git.talk(self.folder, self.url, *whole)
            self._whole = True

    def read(self, name: str) -> bytes:
        """The content of a file; raise `UnexpectedAnswer` if it is absurdly large."""
        content, size = self._content(name)
        if size > LARGEST_READ:
            self.close()
            raise UnexpectedAnswer(f"a file of the repository has {human_size(size)}")
        data = content.read(size + 1)  # a line feed follows
        if len(data) <= size:
            raise self._broken()
        return data[:-1]

    def save(self, name: str, to: Path) -> None:
        """Write the content of a file, of whatever size, to `to`."""
        content, left = self._content(name)
        with to.open("wb") as file:
            while left:
                block = content.read(min(left, 1 << 20))
                if not block:
                    raise self._broken()
                file.write(block)
                left -= len(block)
        content.read(1)

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

    def _broken(self) -> Unreachable:
        self.close()
        return Unreachable(
            f"the repository at {str(self.folder)!r} lacks the content of a file",
            "Fetch it whole, or give the repository's address instead of a folder",
        )
