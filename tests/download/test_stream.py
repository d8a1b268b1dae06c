from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest

from studio_action.download.answers import Busy, Content, RangeRequest
from studio_action.download.connections import RequestFailure
from studio_action.download.file_download import FileDownload
from studio_action.download.hashing import BUFFER, Buffers
from studio_action.download.partial_file import Store
from studio_action.download.partials import Partials
from studio_action.download.parts import Span
from studio_action.download.stream import ResponseStream, SentRequest
from studio_action.model.artifact import RemoteFile

SIZE = 8 << 20
BLOCK = bytes(range(256)) * 64
"""As much as comes at a time."""


@pytest.fixture
def download(tmp_path: Path) -> Iterator[FileDownload]:
    with ThreadPoolExecutor(2) as threads:
        partials = Partials(tmp_path / "partial", boot="")
        store = Store(partials, Buffers(), threads, lambda index, found: None)
        file = RemoteFile("weights", "https://storage.example.com/key")
        made = FileDownload(0, file, store, lambda _: None)
        yield made
        made.close()
        partials.close()


@pytest.fixture
def stream(download: FileDownload) -> ResponseStream:
    """The answer to a request that was sent at 0 s and has brought two blocks."""
    sent = SentRequest(RangeRequest(0, SIZE), generation=0, earlier_failures=0, sent=0.0)
    made = ResponseStream(download, sent, bytearray(BUFFER))
    download.requests.append(made)
    head = {"content-range": f"bytes 0-{SIZE - 1}/{SIZE}", "content-length": str(SIZE)}
    assert made.begin(206, head)
    assert made.receive(BLOCK)
    assert made.receive(BLOCK)
    return made


def outcome(stream: ResponseStream) -> object:
    return stream.outcome(lambda: datetime(2026, 3, 1, tzinfo=timezone.utc))


def test_seconds_left__at_the_speed_so_far(stream: ResponseStream) -> None:
    assert stream.seconds_left(0.9) == 0.0  # not measured yet
    assert stream.seconds_left(2.0) == pytest.approx(2.0 * SIZE / (2 * len(BLOCK)))


def test_relieve__each_brings_its_half(stream: ResponseStream, download: FileDownload) -> None:
    assert download.relieve(0.5) is None

    request = download.relieve(2.0)

    assert request == RangeRequest(SIZE // 2, SIZE, SIZE, "")
    assert stream.span == Span(0, SIZE // 2)


@pytest.mark.parametrize("over", [0, 100], ids=["at a block's end", "within a block"])
def test_shorten__its_bytes_up_to_there_are_kept(
    stream: ResponseStream, download: FileDownload, over: int
) -> None:
    blocks = 40
    end = blocks * len(BLOCK) - over
    stream.shorten(end)

    taken = [stream.receive(BLOCK) for _ in range(blocks - 1)]
    stream.end(RequestFailure("Failed writing received data"))

    assert taken == [True] * (blocks - 3 + (over == 0)) + [False] * (2 - (over == 0))
    assert isinstance(outcome(stream), Content)
    assert download.partial.have == (Span(0, end),)
    assert download.partial.path.read_bytes() == (BLOCK * blocks)[:end]


def test_shorten__what_breaks_off_before_is_no_success(stream: ResponseStream) -> None:
    stream.shorten(SIZE // 2)
    stream.end(RequestFailure("connection reset"))

    assert outcome(stream) == Busy("connection reset")


def test_receive__more_than_promised(stream: ResponseStream) -> None:
    taken = [stream.receive(BLOCK) for _ in range(SIZE // len(BLOCK) - 1)]

    assert taken == [True] * (SIZE // len(BLOCK) - 2) + [False]
    assert isinstance(outcome(stream), Busy)
