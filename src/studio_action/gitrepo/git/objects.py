"""The contents of files in a Git repository, by the names of their objects.

Where the repository is one of our own, contents come when they are asked for, many at a time
(https://git-scm.com/docs/partial-clone).
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import IO, TYPE_CHECKING

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.git.failures import BrokenRepository, UnadvertisedObject
from studio_action.gitrepo.git.program import Git
from studio_action.text import human_size

if TYPE_CHECKING:
    from studio_action.gitrepo.git.trees import Entry

LARGEST_READ = 64 << 20
"""Bytes of a file that is read into memory: a hundred thousand outputs take half of it."""
_LARGEST_FOLDER = 64 << 20
"""Bytes of a folder's list of entries: a million of them take about as much."""
_LARGEST_COMMIT = 1 << 20
"""Bytes of a commit: who made it, and the message."""
_MOST_KEPT = 100_000
"""Entries of folders that are kept in memory to be asked for again."""

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

_NO_NEGOTIATION = ("-c", "fetch.negotiationAlgorithm=noop")
"""Says not which commits are here: a server would think that their content is here, too."""


@dataclass(slots=True)
class KnownObjects:
    """The objects that are known to be in a repository of our own; `whole`: all that there are.

    Several threads may know of one, each with `Objects` of its own.
    """

    names: set[str] = field(default_factory=set)
    whole: bool = False


@dataclass(frozen=True, slots=True)
class _Header:
    """What git says before an object's content; `size` is in bytes."""

    name: str
    kind: str
    size: int


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
    fetched: KnownObjects = field(default_factory=KnownObjects)
    _reader: Popen[bytes] | None = field(default=None, init=False)
    _folders: dict[str, Mapping[str, Entry]] = field(default_factory=dict, init=False, repr=False)
    _kept_entries: int = field(default=0, init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False)

    def close(self) -> None:
        """End the process that reads."""
        self._open.close()
        self._reader = None

    def fetch(self, names: Iterable[str]) -> None:
        """Fetch what is not there yet, by one request."""
        self._fetch_objects(
            each for each in names if not (self.kept and self.kept.joinpath(each).exists())
        )

    def _fetch_objects(self, names: Iterable[str]) -> None:
        """Fetch what Git does not have yet, whatever is kept of it besides."""
        missing = sorted(set(names) - self.fetched.names)
        if self.url and missing and not self.fetched.whole:
            self._request(missing)
        self.fetched.names.update(missing)

    def _request(self, names: Sequence[str]) -> None:
        """Fetch objects; all that tags lead to, where the server does not give single ones."""
        wanted = "".join(f"{name}\n" for name in names).encode()
        words = (*_NO_NEGOTIATION, *FETCH, "--stdin", "origin")
        try:
            self.git.run_remote(self.folder, self.url, *words, stdin=wanted)
        except UnadvertisedObject:
            whole = (*FETCH, "--no-filter", "--refetch", "origin", *self.refs)
            self.git.run_remote(self.folder, self.url, *whole)
            self.fetched.whole = True

    def read(self, name: str, largest: int = LARGEST_READ) -> bytes:
        """Return the content of a file; raise `UnexpectedAnswer` if it has over `largest` bytes."""
        if self.kept is None:
            return self._read(name, largest)
        return self.file(name, self.kept, largest=largest).read_bytes()

    def file(self, name: str, folder: Path, largest: int | None = None) -> Path:
        """Return the content as a file of `folder`, which holds nothing but such files.

        A file that is there already is used if it is intact; a power failure may have damaged it.
        It is replaced and never removed, because others may have just been given it. Raise
        `UnexpectedAnswer` if the content is longer than `largest`, in bytes.
        """
        place = folder / name
        if not _is_intact(place, name):
            self._fetch_objects([name])
            folder.mkdir(parents=True, exist_ok=True)
            with _atomic_file(place) as file:
                self._copy(name, file, largest)
        return place

    def tree(self, name: str) -> Mapping[str, Entry]:
        """Return the entries of a folder by name; raises what `trees.read` raises.

        `name` is that of a tree, or `COMMIT^{tree}`; in a repository of our own, all are there.
        """
        if name not in self._folders:
            from studio_action.gitrepo.git import trees  # late: tags alone need none

            content, width = self._read_tree(name)
            entries = trees.read(content, width)
            if self._kept_entries + len(entries) > _MOST_KEPT:
                self._folders.clear()
                self._kept_entries = 0
            self._folders[name] = entries
            self._kept_entries += len(entries)
        return self._folders[name]

    def commit(self, name: str) -> str | None:
        """Return the commit that a reference or a tag leads to, None where it is something else."""
        head = self._header(f"{name}^{{commit}}")
        if head is None or head.kind != "commit":
            return None
        with Path(os.devnull).open("wb") as nowhere:
            self._take(head.size, nowhere)
        return head.name

    def commit_content(self, name: str) -> bytes:
        """Return the content of a commit: who made it when, and the message.

        Raises `BrokenRepository` if it is not there, `UnexpectedAnswer` if it is absurdly large.
        """
        head = self._header(name)
        if head is None or head.kind != "commit":
            raise self._broken()
        self._check_size("commit", head.size, _LARGEST_COMMIT)
        whole = io.BytesIO()
        self._take(head.size, whole)
        return whole.getvalue()

    def save(self, name: str, to: Path) -> None:
        """Write the content of a file, of whatever size, to `to`."""
        with to.open("wb") as file:
            self._copy(name, file)

    def _read(self, name: str, largest: int) -> bytes:
        whole = io.BytesIO()
        self._copy(name, whole, largest)
        return whole.getvalue()

    def _read_tree(self, name: str) -> tuple[bytes, int]:
        """Return the content of a tree object, and the bytes of an object's name in it."""
        head = self._header(name)
        if head is None or head.kind != "tree":
            raise self._broken()
        self._check_size("folder", head.size, _LARGEST_FOLDER)
        whole = io.BytesIO()
        self._take(head.size, whole)
        return whole.getvalue(), len(head.name) // 2

    def _copy(self, name: str, to: IO[bytes], largest: int | None = None) -> None:
        head = self._header(name)
        if head is None or head.kind != "blob":
            raise self._broken()
        if largest is not None:
            self._check_size("file", head.size, largest)
        self._take(head.size, to)

    def _check_size(self, what: str, size: int, largest: int) -> None:
        if size > largest:
            self.close()
            raise UnexpectedAnswer(
                f"a {what} of the repository has {human_size(size)}, more than"
                f" {human_size(largest)}",
                "Nothing that DVC or GTO wrote is that large",
            )

    def _header(self, name: str) -> _Header | None:
        """Return what the object is whose bytes and then a line feed come next; None where it is
        not.
        """
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
        line = answered.readline()
        if not line:
            raise self._broken()
        words = line.decode("utf-8", "replace").split()
        return _Header(words[0], words[1], int(words[2])) if len(words) == 3 else None

    def _take(self, size: int, to: IO[bytes]) -> None:
        """Write the next bytes of the reader to `to`."""
        assert self._reader is not None
        content = self._reader.stdout
        assert content is not None
        while size:
            block = content.read(min(size, 1 << 20))
            if not block:
                raise self._broken()
            to.write(block)
            size -= len(block)
        if not content.read(1):  # a line feed follows
            raise self._broken()

    def _broken(self) -> BrokenRepository:
        self.close()
        return BrokenRepository(
            f"the repository at {str(self.folder)!r} lacks the content of a file",
            "Fetch it whole, or give the repository's address instead of a folder",
        )


def _is_intact(place: Path, name: str) -> bool:
    """Return whether the file at `place` is the content of the Git object `name`."""
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
def _atomic_file(place: Path) -> Iterator[IO[bytes]]:
    """Yield a file that is at `place` when the block has ended well, and never in part."""
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield file
            file.flush()
            temporary.replace(place)
        except BaseException:
            temporary.unlink()
            raise
