from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from studio_action.artifact import RemoteFile
from studio_action.digest import Digest
from studio_action.download.base import Fetched, Verify
from studio_action.download.local import LocalDownloader
from studio_action.errors import ContentMismatch, ObjectMissing, WorkspaceRefused
from tests.download.conftest import Heard, contents, of
from tests.fakes import MemoryDownloader

CONTENT = b"weights\r\n"


class Here:
    """A downloader whose copies go to one folder, and a remote beside it."""

    def __init__(self, folder: Path) -> None:
        self.remote, self.copies = folder / "remote é %41", folder / "copies"
        self.remote.mkdir()
        self.copies.mkdir()
        self.far = MemoryDownloader({"far 1": b"far 1", "far 2": b"far 2"}, folder / "partial")
        self.heard = Heard()

    def put(self, name: str, content: bytes = CONTENT) -> str:
        (self.remote / name).write_bytes(content)
        return (self.remote / name).as_uri()

    def fetch(self, *files: RemoteFile, verify: Verify = "auto") -> list[Fetched]:
        downloader = LocalDownloader(self.far, self.copies, verify)
        return downloader.fetch(files, renew=_renew, progress=self.heard)


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

    found = here.fetch(plain, replace(plain, digest=dos2unix(CONTENT)), RemoteFile("a", url))

    assert [each.verified for each in found] == ["md5", "md5-dos2unix", "length"]
    assert contents(found) == [CONTENT] * 3
    assert here.heard == Heard(3 * len(CONTENT), 3 * len(CONTENT), 3)


def test_fetch__not_verified_where_that_is_off(here: Here) -> None:
    (found,) = here.fetch(of("a", here.put("a"), b"other"), verify="off")

    assert found.verified == "off"


@pytest.mark.parametrize(
    "change",
    [{"digest": Digest("md5", "0" * 32)}, {"size": 3}],
    ids=["another digest", "another size"],
)
def test_fetch__other_content(here: Here, change: dict[str, object]) -> None:
    file = replace(of("a", here.put("a"), CONTENT), **change)  # type: ignore[arg-type]

    with pytest.raises(ContentMismatch, match="'a' is not what it should be"):
        here.fetch(file)

    assert not any(here.copies.iterdir())


def test_fetch__missing(here: Here) -> None:
    with pytest.raises(ObjectMissing, match="'a' is not in its remote"):
        here.fetch(RemoteFile("a", (here.remote / "none").as_uri()))


def test_fetch__unreadable(here: Here) -> None:
    (here.remote / "folder").mkdir()

    with pytest.raises(WorkspaceRefused, match="cannot be copied"):
        here.fetch(RemoteFile("a", (here.remote / "folder").as_uri()))


def test_fetch__order_among_downloads(here: Here) -> None:
    files = [
        RemoteFile("far 1", "https://storage.example.org/1"),
        RemoteFile("near 1", here.put("1", b"near 1")),
        RemoteFile("near 2", here.put("2", b"near 2")),
        RemoteFile("far 2", "https://storage.example.org/2"),
    ]

    fetched = here.fetch(*files)

    assert [each.file for each in fetched] == files
    assert here.far.fetched == ["far 1", "far 2"]
    assert contents(fetched) == [b"far 1", b"near 1", b"near 2", b"far 2"]


def test_fetch__the_remote_stays_as_it_is(here: Here) -> None:
    url = here.put("a")

    (fetched,) = here.fetch(RemoteFile("a", url))
    fetched.partial.write_bytes(b"changed")

    assert (here.remote / "a").read_bytes() == CONTENT
