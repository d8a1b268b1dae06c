from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from studio_action.download.hashing import BUFFER, Buffers
from studio_action.download.partial_file import PartialFile, Store
from studio_action.download.partials import STALE, Partials, Record, key_of
from studio_action.download.parts import Span
from studio_action.errors import WorkspaceRefused
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from tests.download.unfit import UNFIT

FILE = RemoteFile("model", "https://host/key", digest=Digest("md5", "0" * 32))
PLAIN = RemoteFile("model", "https://host/key")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Partials]]:
    """Opens the same folder again, as the next run does."""
    current: list[Partials] = []

    def reopen() -> Partials:
        while current:
            current.pop().close()
        current.append(Partials(tmp_path / "partial", boot="this one"))
        return current[0]

    yield reopen
    current[0].close()


def put(partials: Partials, key: str, content: bytes) -> None:
    partials.store(key, memoryview(content))


@pytest.mark.parametrize("file", [FILE, PLAIN], ids=["digest", "no digest"])
def test_record(opened: Callable[[], Partials], file: RemoteFile) -> None:
    partials = opened()
    record = Record(20, '"etag"', (Span(0, 4), Span(8, 10)))
    put(partials, key_of(file), bytes(10))
    partials.save(key_of(file), record)

    assert opened().resume(file, checked=True) == record


def test_record__whole_without_digest(opened: Callable[[], Partials]) -> None:
    """One byte is left to ask for."""
    partials = opened()
    put(partials, key_of(PLAIN), bytes(10))
    partials.save(key_of(PLAIN), Record(10, '"etag"', (Span(0, 10),)))

    assert opened().resume(PLAIN, checked=True) == Record(10, '"etag"', (Span(0, 9),))


def test_record__digest_that_is_not_checked(opened: Callable[[], Partials]) -> None:
    partials = opened()
    put(partials, key_of(FILE), bytes(10))

    assert opened().resume(FILE, checked=False) is None


def test_no_record__digest_decides(opened: Callable[[], Partials]) -> None:
    for file in (FILE, PLAIN):
        put(opened(), key_of(file), bytes(10))
    found = opened()

    assert found.resume(FILE, checked=True) == Record(10, "", (Span(0, 10),))
    assert found.resume(PLAIN, checked=True) is None


def test_forget(opened: Callable[[], Partials]) -> None:
    partials = opened()
    put(partials, key_of(FILE), bytes(10))
    partials.save(key_of(FILE), Record(10, "", ()))
    partials.forget(key_of(FILE))

    assert list(partials.folder.iterdir()) == []


def test_close__nothing_is_left(opened: Callable[[], Partials], tmp_path: Path) -> None:
    partials = opened()
    partials.save("moved", Record(10, "", ()))
    opened()

    assert sorted(path.name for path in (tmp_path / "partial").iterdir()) == ["0", "0.lock"]
    assert list((tmp_path / "partial/0").iterdir()) == []


def test_stale(opened: Callable[[], Partials]) -> None:
    partials = opened()
    put(partials, key_of(FILE), bytes(10))
    path = partials.path(key_of(FILE))
    old = path.stat().st_mtime - STALE - 60
    os.utime(path, (old, old))

    assert opened().resume(FILE, checked=True) is None
    assert not path.exists()


def test_lock__second_process_has_another_folder(tmp_path: Path) -> None:
    with (
        closing(Partials(tmp_path, boot="")) as first,
        closing(Partials(tmp_path, boot="")) as second,
    ):
        assert (first.folder.name, second.folder.name) == ("0", "1")
    with closing(Partials(tmp_path, boot="")) as third:
        assert third.folder.name == "0"


@pytest.mark.parametrize("name", ["0", "0.lock"])
def test_symbolic_link_is_not_followed(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "partial").mkdir()
    (tmp_path / "partial" / name).symlink_to(elsewhere)

    with pytest.raises(WorkspaceRefused):
        Partials(tmp_path / "partial", boot="")


def test_symbolic_link_instead_of_data(opened: Callable[[], Partials], tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    partials = opened()
    partials.path(key_of(FILE)).symlink_to(victim)

    with pytest.raises(WorkspaceRefused):
        put(partials, key_of(FILE), b"bytes")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("make", UNFIT)
@pytest.mark.parametrize("name", ["{}", "{}.json"])
def test_resume__what_is_no_regular_file_is_thrown_away(
    opened: Callable[[], Partials], make: Callable[[Path], object], name: str
) -> None:
    place = opened().path(name.format(key_of(FILE)))
    put(opened(), "other", b"")
    make(place)

    partials = opened()

    assert partials.resume(FILE, checked=True) is None
    assert not place.exists()
    put(partials, key_of(FILE), b"bytes")


@pytest.mark.parametrize(
    "record", [b"[" * 200_000, b'{"size": ' + b"1" * 5000 + b"}"], ids=["deep", "long number"]
)
def test_resume__a_record_without_an_end(opened: Callable[[], Partials], record: bytes) -> None:
    partials = opened()
    put(partials, key_of(FILE), bytes(10))
    partials.path(f"{key_of(FILE)}.json").write_bytes(record)

    assert opened().resume(FILE, checked=True) is None


class FullDisk(Partials):
    """Every write fails for want of space, as `/dev/full` has it."""

    def open(self, key: str, *, fresh: bool) -> int:
        return os.open("/dev/full", os.O_RDWR)


def test_disk_full_in_mid_file(tmp_path: Path) -> None:
    with (
        closing(FullDisk(tmp_path, boot="")) as partials,
        ThreadPoolExecutor(1) as threads,
    ):
        nobody = lambda *_: None  # noqa: E731
        partial = PartialFile(0, FILE, Store(partials, Buffers(0), threads, nobody))

        with pytest.raises(WorkspaceRefused, match=os.strerror(errno.ENOSPC)):
            partial.write(0, bytearray(BUFFER), BUFFER)
        partial.close()
