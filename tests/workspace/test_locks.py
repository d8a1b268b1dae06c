from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio_action.workspace import locks


def test_try_lock__one_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as first, path.open("ab") as second:
        assert (locks.try_lock(first), locks.try_lock(second)) == (True, False)
        first.close()
        assert locks.try_lock(second)


def test_lock_shared__keeps_out_who_wants_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as first, path.open("ab") as second, path.open("ab") as third:
        locks.lock_shared(first)
        locks.lock_shared(second)
        assert not locks.try_lock(third)


def test_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as file:
        assert (locks.is_removed(file), locks.is_removed(file.fileno())) == (False, False)
        path.unlink()
        assert locks.is_removed(file)


def test_open_locked__held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = locks.open_locked(path)
    assert held is not None
    assert locks.open_locked(path) is None
    os.close(held)


def test_open_locked__symbolic_link(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError):
        locks.open_locked(path)


def test_open_locked__one_holder_while_the_file_comes_and_goes(tmp_path: Path) -> None:
    """Every holder removes the file, so that others lock what has just been removed."""
    path, inside = tmp_path / "lock", threading.Lock()

    def enter(_: int) -> bool:
        descriptor = locks.open_locked(path)
        if descriptor is None:
            return True
        alone = inside.acquire(blocking=False)
        os.sched_yield()
        if alone:
            inside.release()
        path.unlink()
        os.close(descriptor)
        return alone

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(enter, range(2000)))
