from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from studio_action.download.base import Fetched
from studio_action.download.local import LocalDownloader
from studio_action.errors import (
    ContentMismatch,
    DeadlinePassed,
    ObjectMissing,
    UnexpectedAnswer,
    WorkspaceRefused,
)
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.net.clock import Clock, Deadline
from tests.download.conftest import Heard, Ticking, contents, of
from tests.download.unfit import UNFIT
from tests.fakes import MemoryDownloader, Time

CONTENT = b"weights\r\n"


class Here:
    """A downloader whose copies go to one folder, and a remote beside it."""

    def __init__(self, folder: Path) -> None:
        self.remote, self.copies = folder / "remote é %41", folder / "copies"
        self.remote.mkdir()
        self.copies.mkdir()
        self.far = MemoryDownloader({"far 1": b"far 1", "far 2": b"far 2"}, folder / "partial")
        self.heard = Heard()
        self.deadline = Deadline()

    def put(self, name: str, content: bytes = CONTENT) -> str:
        (self.remote / name).write_bytes(content)
        return (self.remote / name).as_uri()

    def fetch(self, *files: RemoteFile) -> list[Fetched]:
        downloader = LocalDownloader(self.far, self.copies, self.deadline)
        return downloader.fetch(files, renew=_renew, progress=self.heard)


class GrowingFile(Time):
    """A clock at each look at which a file has grown by more than is copied in between."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.grown = path, 0

    @property
    def clock(self) -> Clock:
        return Clock(self._look, self.sleep)

    def _look(self) -> float:
        self.grown += 1
        if self.grown > 1:  # the first look is when the deadline is set
            with self.path.open("ab") as file:
                file.truncate(file.tell() + (2 << 20))
        return 0.0


def _renew() -> Mapping[str, str]:
    raise AssertionError("nothing here expires")


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def dos2unix(content: bytes) -> Digest:
    return Digest("md5-dos2unix", hashlib.md5(content.replace(b"\r\n", b"\n")).hexdigest())


def test_fetch__verified_by_each_rule(here: Here) -> None:
    url = here.put("a b?.bin")
    plain = of("a", url, CONTENT)

    found = here.fetch(plain, replace(plain, digest=dos2unix(CONTENT)))

    assert [each.verified for each in found] == ["md5", "md5-dos2unix"]
    assert contents(found) == [CONTENT] * 2
    assert here.heard == Heard(2 * len(CONTENT), 2 * len(CONTENT), 2)


def test_fetch__what_cannot_be_checked(here: Here) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"'environ' .* has no digest"):
        here.fetch(RemoteFile("environ", "file:///proc/self/environ"))

    assert not any(here.copies.iterdir())


def test_fetch__a_file_of_the_system_is_not_what_was_promised(here: Here) -> None:
    with pytest.raises(ContentMismatch):
        here.fetch(of("environ", "file:///proc/self/environ", CONTENT))


@pytest.mark.parametrize("make", UNFIT)
def test_fetch__no_regular_file(here: Here, make: Callable[[Path], object]) -> None:
    make(here.remote / "a")

    with pytest.raises(WorkspaceRefused, match="a file of a remote cannot be copied"):
        here.fetch(of("a", (here.remote / "a").as_uri(), CONTENT))


def test_fetch__no_more_than_is_wanted(here: Here) -> None:
    file = replace(of("a", here.put("a"), CONTENT), largest=len(CONTENT))

    assert contents(here.fetch(file)) == [CONTENT]
    with pytest.raises(UnexpectedAnswer, match="'a' has more than 3 bytes"):
        here.fetch(replace(file, largest=3))


def test_fetch__a_file_that_never_ends(here: Here) -> None:
    url = here.put("a")
    os.truncate(here.remote / "a", 1 << 43)  # all of it a hole

    with pytest.raises(WorkspaceRefused, match="Free some space"):
        here.fetch(of("a", url, CONTENT))


def test_fetch__a_file_that_grows_while_it_is_copied(here: Here) -> None:
    url = here.put("a", CONTENT * 1_000_000)
    time = GrowingFile(here.remote / "a")
    here.deadline = Deadline(1.0, time.clock)

    (found,) = here.fetch(of("a", url, CONTENT * 1_000_000))

    assert time.grown > 3
    assert found.size == len(CONTENT) * 1_000_000


def test_fetch__the_deadline_within_a_file(here: Here) -> None:
    url = here.put("a", CONTENT * 1_000_000)
    here.deadline = Deadline(3.0, Ticking(step=1.0).clock)

    with pytest.raises(DeadlinePassed):
        here.fetch(of("a", url, CONTENT * 1_000_000))


@pytest.mark.parametrize(
    "change",
    [{"digest": Digest("md5", "0" * 32)}, {"size": 3}],
    ids=["another digest", "another size"],
)
def test_fetch__other_content(here: Here, change: dict[str, object]) -> None:
    file = replace(of("a", here.put("a"), CONTENT), **change)  # type: ignore[arg-type]

    with pytest.raises(ContentMismatch, match="'a' does not match"):
        here.fetch(file)

    assert not any(here.copies.iterdir())


def test_fetch__missing(here: Here) -> None:
    with pytest.raises(ObjectMissing, match="'a' is missing from its remote"):
        here.fetch(of("a", (here.remote / "none").as_uri(), CONTENT))


def test_fetch__order_among_downloads(here: Here) -> None:
    files = [
        RemoteFile("far 1", "https://storage.example.org/1"),
        of("near 1", here.put("1", b"near 1"), b"near 1"),
        of("near 2", here.put("2", b"near 2"), b"near 2"),
        RemoteFile("far 2", "https://storage.example.org/2"),
    ]

    fetched = here.fetch(*files)

    assert [each.file for each in fetched] == files
    assert here.far.fetched == ["far 1", "far 2"]
    assert contents(fetched) == [b"far 1", b"near 1", b"near 2", b"far 2"]


def test_fetch__the_remote_stays_as_it_is(here: Here) -> None:
    url = here.put("a")

    (fetched,) = here.fetch(of("a", url, CONTENT))
    fetched.partial.write_bytes(b"changed")

    assert (here.remote / "a").read_bytes() == CONTENT
