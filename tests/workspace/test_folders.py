"""Both ways to hold a folder do the same; what only descriptors can do is said in `by_path`."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from studio_action.workspace.by_descriptor import DescriptorFolder
from studio_action.workspace.by_path import PathFolder
from studio_action.workspace.folders import Folder
from studio_action.workspace.openings import extended_on_windows, open_checked

Open = Callable[[Path], Folder]
WRITE = os.O_WRONLY | os.O_CREAT


@pytest.fixture(params=[DescriptorFolder.open_at, PathFolder.open_at], ids=["descriptor", "path"])
def open_at(request: pytest.FixtureRequest) -> Open:
    found: Open = request.param
    return found


@pytest.fixture
def folder(open_at: Open, tmp_path: Path) -> Folder:
    (tmp_path / "top").mkdir()
    return open_at(tmp_path / "top")


def put(folder: Folder, name: str, content: bytes, flags: int = WRITE) -> None:
    descriptor = folder.open(name, flags)
    os.write(descriptor, content)
    os.close(descriptor)


def test_files(folder: Folder) -> None:
    put(folder, "a", b"one")
    folder.link("a", "b")
    folder.rename("a", "c")
    folder.take(folder.path / "b", "d")
    folder.hand_out("d", folder.path / "e")
    put(folder, "e", b"2", WRITE | os.O_TRUNC)
    folder.chmod("e", 0o640)
    found = folder.status("e")

    assert {each.name: (folder.path / each.name).read_bytes() for each in folder.scan()} == {
        "c": b"2",
        "e": b"2",
    }
    assert (found.st_size, found.st_mode & 0o777, found.st_nlink) == (1, 0o640, 2)
    assert folder.free() > 0
    folder.unlink("c")
    assert [each.name for each in folder.scan()] == ["e"]
    folder.close()


def test_folders(folder: Folder) -> None:
    assert (folder.make("a"), folder.make("a")) == (True, False)
    inner = folder.enter("a")
    put(inner, "x", b"1")
    assert (folder.path / "a/x").read_bytes() == b"1"
    with pytest.raises(NotADirectoryError):
        inner.enter("x")


@pytest.mark.parametrize("flags", [os.O_RDONLY, WRITE, WRITE | os.O_TRUNC])
def test_open__a_link(folder: Folder, flags: int, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"kept")
    (folder.path / "link").symlink_to(tmp_path / "other")
    with pytest.raises(OSError) as raised:
        folder.open("link", flags)
    assert raised.value.errno == errno.ELOOP
    assert (tmp_path / "other").read_bytes() == b"kept"


def test_enter__a_link(folder: Folder, tmp_path: Path) -> None:
    (folder.path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError) as raised:
        folder.enter("link")
    assert raised.value.errno in (errno.ELOOP, errno.ENOTDIR)


def test_a_link_where_the_folder_was(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    folder.path.rename(tmp_path / "moved")
    folder.path.symlink_to(tmp_path / "outside")
    with suppress(OSError):  # by its descriptor, it is still the folder that it was
        put(folder, "x", b"1")
    assert not list((tmp_path / "outside").iterdir())


def test_another_folder_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    folder = PathFolder.open_at(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="symbolic links"):
        folder.scan()


def test_open_checked__a_link_is_slipped_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first look and before the opening: nothing of the other file is cut off."""
    (tmp_path / "other").write_bytes(b"kept")
    place, real = tmp_path / "x", os.open

    def slipping(path: str, flags: int, mode: int) -> int:
        place.symlink_to(tmp_path / "other")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", slipping)
    with pytest.raises(OSError, match="symbolic links"):
        open_checked(place, WRITE | os.O_TRUNC)
    assert (tmp_path / "other").read_bytes() == b"kept"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\a", "C:\\a"),
        ("C:/" + "a/" * 200, "\\\\?\\C:\\" + "\\".join("a" * 200)),
        ("\\\\nas\\share\\" + "b" * 250, "\\\\?\\UNC\\nas\\share\\" + "b" * 250),
        ("\\\\?\\C:\\" + "c" * 250, "\\\\?\\C:\\" + "c" * 250),
        ("d" * 300, "d" * 300),
    ],
    ids=["short", "long", "share", "extended", "relative"],
)
def test_extended(path: str, expected: str) -> None:
    assert extended_on_windows(path) == expected
