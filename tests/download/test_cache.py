from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from studio_action.download.base import Fetched
from studio_action.download.cache import Cache, CachedDownloader
from studio_action.errors import DeadlinePassed, WorkspaceRefused
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.net.clock import Deadline
from tests.download.unfit import UNFIT
from tests.fakes import MemoryDownloader, Silence, Time, md5

CONTENTS = {"m/a.bin": b"weights", "m/b.txt": b"a\r\nb\r\n"}


def remote(path: str, digest: Digest | None = None) -> RemoteFile:
    content = CONTENTS[path]
    return RemoteFile(path, f"https://storage/{path}", digest=digest or Digest("md5", md5(content)))


def never() -> dict[str, str]:
    raise AssertionError("no URL had to be renewed")


def patient() -> None:
    """There is no deadline."""


class Case:
    def __init__(self, folder: Path) -> None:
        self.cache = Cache.at(folder / "cache")
        self.storage = MemoryDownloader(CONTENTS, folder / "partial")
        self.copies = folder / "copies"
        self.copies.mkdir(exist_ok=True)
        self.said: list[str] = []
        self.downloader = CachedDownloader(
            self.cache, self.storage, self.copies, self.said.append, Deadline()
        )

    def fetch(self, *files: RemoteFile) -> list[Fetched]:
        self.storage.fetched.clear()
        return self.downloader.fetch(files, renew=never, progress=Silence())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_fetch__fills_the_cache_in_dvc_s_layout(case: Case, tmp_path: Path) -> None:
    [got] = case.fetch(remote("m/a.bin"))

    key = md5(b"weights")
    kept = tmp_path / "cache/files/md5" / key[:2] / key[2:]
    assert kept.read_bytes() == b"weights"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    assert (got.origin, got.partial.read_bytes()) == ("storage", b"weights")
    assert sorted(path.name for path in kept.parent.iterdir()) == [kept.name]


def test_fetch__the_manifest_of_a_folder(case: Case, tmp_path: Path) -> None:
    key = md5(b"weights") + ".dir"
    manifest = remote("m/a.bin", Digest("md5", key))

    first, second = case.fetch(manifest), case.fetch(manifest)

    assert [each.origin for each in (*first, *second)] == ["storage", "cache"]
    assert (tmp_path / "cache/files/md5" / key[:2] / key[2:]).read_bytes() == b"weights"


def test_fetch__again_asks_no_storage(case: Case) -> None:
    case.fetch(remote("m/a.bin"))
    [got] = case.fetch(remote("m/a.bin"))

    assert case.storage.fetched == []
    assert (got.origin, got.transferred, got.verified) == ("cache", 0, "md5")
    assert got.partial.read_bytes() == b"weights"
    assert case.said == ["1 of 1 from the cache"]


def test_fetch__only_what_is_missing_and_in_order(case: Case) -> None:
    case.fetch(remote("m/b.txt"))
    got = case.fetch(remote("m/a.bin"), remote("m/b.txt"))

    assert case.storage.fetched == ["m/a.bin"]
    assert [(each.file.path, each.origin) for each in got] == [
        ("m/a.bin", "storage"),
        ("m/b.txt", "cache"),
    ]


def test_take__writing_to_the_copy_does_not_change_the_cache(case: Case) -> None:
    case.fetch(remote("m/a.bin"))
    [first] = case.fetch(remote("m/a.bin"))
    with first.partial.open("r+b") as file:
        file.write(b"TAMPER!")
    [second] = case.fetch(remote("m/a.bin"))
    assert second.partial.read_bytes() == b"weights"


def test_take__a_damaged_object_is_thrown_away_and_fetched_again(case: Case) -> None:
    case.fetch(remote("m/a.bin"))
    place = case.cache.path(Digest("md5", md5(b"weights")))
    place.chmod(0o644)
    place.write_bytes(b"damaged")

    [got] = case.fetch(remote("m/a.bin"))

    assert (got.origin, got.partial.read_bytes()) == ("storage", b"weights")
    assert place.read_bytes() == b"weights"


@pytest.mark.parametrize("make", UNFIT)
def test_take__what_is_no_regular_file_is_thrown_away_and_fetched_anew(
    case: Case, make: Callable[[Path], object]
) -> None:
    place = case.cache.path(Digest("md5", md5(b"weights")))
    place.parent.mkdir(parents=True)
    make(place)

    [got] = case.fetch(remote("m/a.bin"))

    assert (got.origin, got.partial.read_bytes()) == ("storage", b"weights")
    assert stat.S_ISREG(place.lstat().st_mode)
    assert place.read_bytes() == b"weights"


def test_take__no_more_than_is_wanted(case: Case) -> None:
    case.fetch(remote("m/a.bin"))

    [got] = case.fetch(replace(remote("m/a.bin"), largest=3))

    assert got.origin == "storage"  # which is to say whether it is too long


def test_take__the_deadline(case: Case, tmp_path: Path) -> None:
    case.fetch(remote("m/a.bin"))
    time = Time()
    late = replace(case.downloader, deadline=Deadline(1, time.clock))
    time.now = 2
    with pytest.raises(DeadlinePassed):
        late.fetch([remote("m/a.bin")], renew=never, progress=Silence())


def test_take__text_of_dvc_2(case: Case, tmp_path: Path) -> None:
    legacy = Digest("md5-dos2unix", md5(b"a\nb\n"))
    place = tmp_path / "cache" / legacy.hex[:2] / legacy.hex[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENTS["m/b.txt"])

    [got] = case.fetch(remote("m/b.txt", legacy))

    assert (got.origin, got.verified, got.md5) == ("cache", "md5-dos2unix", md5(b"a\r\nb\r\n"))


def test_fetch__what_has_no_digest_is_not_kept(case: Case, tmp_path: Path) -> None:
    plain = RemoteFile("m/a.bin", "https://storage/m/a.bin")
    case.fetch(plain)
    case.fetch(plain)
    assert case.storage.fetched == ["m/a.bin"]
    assert list((tmp_path / "cache").rglob("*")) == []


def test_add__many_at_once(case: Case, tmp_path: Path) -> None:
    [got] = case.storage.fetch([remote("m/a.bin")], renew=never, progress=Silence())
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda it: case.cache.add(it, patient), [got] * 32))
    assert [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [
        b"weights"
    ]


def broken(place: Path) -> None:
    place.parent.parent.mkdir(parents=True)
    place.parent.write_text("a file in the way of a folder")


def full(place: Path) -> None:
    place.parent.parent.mkdir(parents=True)
    place.parent.symlink_to("/dev/full")


@pytest.mark.parametrize("damage", [broken, full])
def test_fetch__a_cache_that_cannot_be_filled(case: Case, damage: Callable[[Path], None]) -> None:
    damage(case.cache.path(Digest("md5", md5(b"weights"))))
    [got] = case.storage.fetch([remote("m/a.bin")], renew=never, progress=Silence())
    with pytest.raises(WorkspaceRefused):
        case.cache.add(got, patient)


def test_fetch__a_cache_that_cannot_be_filled_is_no_failure(case: Case, tmp_path: Path) -> None:
    (tmp_path / "cache/files").mkdir()
    (tmp_path / "cache/files/md5").symlink_to(tmp_path)

    [got] = case.fetch(remote("m/a.bin"))

    assert got.partial.read_bytes() == b"weights"
    assert case.said[0].startswith("The cache is not filled")
    assert not (tmp_path / md5(b"weights")[:2]).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_add__belongs_to_the_owner_of_the_cache(case: Case, tmp_path: Path) -> None:
    os.chown(tmp_path / "cache", 1234, 2345)
    Case(tmp_path).fetch(remote("m/a.bin"))
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in (tmp_path / "cache").rglob("*")}
    assert owners == {(1234, 2345)}
