from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio_action.workspace import positional

SIZE = 1 << 12


@pytest.mark.parametrize(
    ("read", "write"),
    [
        (positional.read_at, positional.write_at),
        (positional.seek_and_read, positional.seek_and_write),
    ],
)
def test_many_threads(
    read: Callable[[int, int, int], bytes],
    write: Callable[[int, memoryview, int], int],
    tmp_path: Path,
) -> None:
    """With one position, which duplicates share, each gets the bytes that it asked for."""
    descriptor = os.open(tmp_path / "x", os.O_RDWR | os.O_CREAT)
    other = os.dup(descriptor)

    def work(number: int) -> bytes:
        write(descriptor, memoryview(bytes([number]) * SIZE), number * SIZE)
        return read(other, SIZE, number * SIZE)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(200)))
    os.close(descriptor)
    os.close(other)

    assert found == [bytes([number]) * SIZE for number in range(200)]
