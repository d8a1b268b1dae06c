from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.download.hashing import (
    BUFFER,
    Buffers,
    Digests,
    Hashing,
    digests_of_bytes,
    digests_of_file,
)
from studio_action.model.digest import Digest


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


TEXT = b"one\r\ntwo\r\n"
BINARY = b"\x00\r\n" * 400
LONG_TEXT = b"0123456789abcde\r" + b"\n" + b"x\r\n" * 700_000


@pytest.mark.parametrize(
    ("content", "wanted", "stored"),
    [
        pytest.param(TEXT, "md5", md5(TEXT), id="DVC 3"),
        pytest.param(TEXT, "md5-dos2unix", md5(b"one\ntwo\n"), id="DVC 2, text"),
        pytest.param(BINARY, "md5-dos2unix", md5(BINARY), id="DVC 2, binary"),
        pytest.param(b"", "md5-dos2unix", md5(b""), id="DVC 2, empty"),
        pytest.param(
            TEXT * 100_000 + b"\x00" + TEXT,
            "md5-dos2unix",
            md5(TEXT.replace(b"\r\n", b"\n") * 100_000 + b"\x00" + b"one\ntwo\n"),
            id="DVC 2, judged by the start of each chunk",
        ),
    ],
)
def test_digests_of_file(tmp_path: Path, content: bytes, wanted: str, stored: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    asked = Digest.parse(f"{wanted}:{'0' * 32}")

    found = digests_of_file(path, asked)

    assert found == digests_of_bytes(content, asked)
    assert found == Digests(
        len(content), md5(content), sha256(content), Digest.parse(f"{wanted}:{stored}")
    )


def test_digests_of_file__text_stored_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(TEXT)
    wanted = Digest("md5-dos2unix", md5(TEXT))

    assert digests_of_file(path, wanted).stored_as == wanted


def test_digests_of_file__line_end_across_chunks(tmp_path: Path) -> None:
    """DVC 2 normalised chunk by chunk, so a CRLF on the border stays."""
    path = tmp_path / "file"
    content = b"x" * ((1 << 20) - 1) + b"\r\n" + b"y\r\n"
    path.write_bytes(content)

    found = digests_of_file(path, Digest("md5-dos2unix", "0" * 32))

    assert found.stored_as.hex == md5(content[:-2] + b"\n")


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
