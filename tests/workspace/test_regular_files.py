from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio_action.workspace import regular_files
from tests.download.unfit import UNFIT


@pytest.mark.parametrize("make", UNFIT)
def test_opened__nothing_but_a_regular_file(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "a")

    with pytest.raises(regular_files.NotRegular, match="where a regular file belongs"):
        regular_files.read(tmp_path / "a", 100)
    assert regular_files.size(tmp_path / "a") is None


def test_opened__a_device() -> None:
    refused = pytest.raises(regular_files.NotRegular, match="a device")
    with refused, regular_files.opened("/dev/zero"):
        pass


def test_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")

    assert regular_files.read(tmp_path / "a", 4) == b"1234"
    assert regular_files.size(tmp_path / "a") == 4
    with pytest.raises(regular_files.TooLarge, match="4 bytes, more than 3"):
        regular_files.read(tmp_path / "a", 3)


def test_read__nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        regular_files.read(tmp_path / "a", 4)
    assert regular_files.size(tmp_path / "a") is None
