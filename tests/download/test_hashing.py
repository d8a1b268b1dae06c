from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.download.checksums import Digests, digests_of_bytes
from studio_action.download.hashing import (
    BUFFER,
    Buffers,
    Hashing,
)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def hash_pieces(
    path: Path,
    content: bytes,
    pieces: list[tuple[int, int]],
    buffers: Buffers,
    threads: ThreadPoolExecutor,
) -> Digests:
    """Write and feed `pieces` of `content`, as a transfer does, and wait for the end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        ended = threading.Event()
        hashing = Hashing(descriptor, buffers, threads, lambda _: ended.set())
        for start, length in pieces:
            os.pwrite(descriptor, content[start : start + length], start)
            buffer = buffers.take() if length <= BUFFER else None
            if buffer is not None:
                buffer[:length] = content[start : start + length]
            hashing.add(start, length, buffer)
        hashing.close()
        assert ended.wait(30)
        return hashing.digests(None)
    finally:
        os.close(descriptor)


CONTENT = os.urandom(3 * BUFFER + 17)


@pytest.mark.parametrize("room", [pytest.param(0, id="no room"), 1, 64])
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([(0, BUFFER), (BUFFER, BUFFER), (2 * BUFFER, BUFFER + 17)], id="in order"),
        pytest.param([(2 * BUFFER, BUFFER + 17), (BUFFER, BUFFER), (0, BUFFER)], id="backwards"),
        pytest.param([(0, len(CONTENT))], id="all from disk"),
        pytest.param([(17, 3 * BUFFER), (0, 17)], id="long one early"),
    ],
)
def test_hashing(
    tmp_path: Path, threads: ThreadPoolExecutor, pieces: list[tuple[int, int]], room: int
) -> None:
    found = hash_pieces(tmp_path / "file", CONTENT, pieces, Buffers(room * BUFFER), threads)

    assert found == digests_of_bytes(CONTENT, None)


def test_hashing__every_buffer_comes_back(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    buffers = Buffers(2 * BUFFER)

    hash_pieces(tmp_path / "file", CONTENT, [(17, BUFFER), (0, 17)], buffers, threads)

    assert [buffers.take() is None for _ in range(3)] == [False, False, True]


def test_hashing__abandoned_gives_early_buffers_back(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    buffers = Buffers(BUFFER)
    ended = threading.Event()
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    with path.open("rb") as file:
        hashing = Hashing(file.fileno(), buffers, threads, lambda _: ended.set())
        hashing.add(BUFFER, BUFFER, buffers.take())
        hashing.abandon()
        assert ended.wait(30)

    assert buffers.take() is not None


def test_hashing__unreadable(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    path = tmp_path / "file"
    ended = threading.Event()
    with path.open("wb") as file:
        hashing = Hashing(file.fileno(), Buffers(0), threads, lambda _: ended.set())
        hashing.add(0, 5, None)
        hashing.close()
        assert ended.wait(30)

        with pytest.raises(OSError):
            hashing.digests(None)


@given(cuts=st.sets(st.integers(1, 9_999)), order=st.randoms())
def test_hashing__any_order(
    tmp_path_factory: pytest.TempPathFactory, cuts: set[int], order: random.Random
) -> None:
    content = bytes(range(256)) * 40
    borders = [0, *sorted(cuts), len(content)]
    pieces = [(start, end - start) for start, end in pairwise(borders)]
    order.shuffle(pieces)
    with ThreadPoolExecutor(2) as pool:
        path = tmp_path_factory.getbasetemp() / "any-order"
        found = hash_pieces(path, content, pieces, Buffers(4 * BUFFER), pool)

    assert found == digests_of_bytes(content, None)


class Held(Executor):
    """Starts nothing before it is told to."""

    def __init__(self) -> None:
        self.work: list[Callable[[], object]] = []

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.work.append(work)
        return Future()

    def run(self) -> None:
        while self.work:
            self.work.pop()()


def test_backlog__what_follows_from_the_start_on_and_is_not_hashed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    descriptor, threads = os.open(tmp_path / "file", os.O_RDONLY), Held()
    hashing = Hashing(descriptor, Buffers(), threads, lambda _: None)

    hashing.add(BUFFER, BUFFER, None)
    assert hashing.backlog == 0  # it waits for what comes before it
    hashing.add(0, BUFFER, None)
    assert hashing.backlog == 2 * BUFFER
    threads.run()
    assert hashing.backlog == 0

    hashing.abandon()
    threads.run()
    os.close(descriptor)
