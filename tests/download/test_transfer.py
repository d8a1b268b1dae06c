from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest

from studio_action.model.artifact import RemoteFile
from tests.download.conftest import Fetcher, Heard, contents, of
from tests.download.storage import Storage

LARGE = os.urandom(12_000_003)
"""Three parts, of which the last is odd."""


def test_fetch__one_file_in_parts(storage: Storage, fetcher: Fetcher) -> None:
    file = of("model.pkl", storage.put("key", LARGE), LARGE)

    (fetched,) = fetcher.fetch(file)

    assert fetched.partial.read_bytes() == LARGE
    assert (fetched.file, fetched.size, fetched.verified) == (file, len(LARGE), "md5")
    assert fetched.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert fetched.transferred == len(LARGE)
    assert len(storage.requests) > 2
    assert fetcher.heard == Heard(len(LARGE), len(LARGE), 1)


@pytest.mark.parametrize("size", [0, 1, 4096, 256 << 10, (256 << 10) + 1, 8 << 20, (8 << 20) + 1])
@pytest.mark.parametrize("ranges", [True, False], ids=["with Range", "without Range"])
@pytest.mark.parametrize("known", [True, False], ids=["known size", "unknown size"])
def test_fetch__sizes(
    storage: Storage, fetcher: Fetcher, size: int, ranges: bool, known: bool
) -> None:
    content = LARGE[:size]
    storage.ranges = ranges
    file = of("model", storage.put("key", content), content)

    fetched = fetcher.fetch(replace(file, size=size) if known else file)

    assert contents(fetched) == [content]
    assert fetcher.heard == Heard(size, size, 1)


def test_fetch__many_files_in_their_order(storage: Storage, fetcher: Fetcher) -> None:
    bodies = [LARGE[at : at + 1000 + at] for at in range(300)]
    files = [of(f"f{at}", storage.put(f"f{at}", body), body) for at, body in enumerate(bodies)]

    fetched = fetcher.fetch(*files)

    assert [each.file for each in fetched] == files
    assert contents(fetched) == bodies
    assert len(storage.requests) == 300


def test_fetch__several_large_files(storage: Storage, fetcher: Fetcher) -> None:
    """Few are under way at a time, and all connections are shared."""
    fetcher.max_connections = 12
    bodies = [LARGE[at:] + LARGE[:at] for at in range(8)]
    files = [of(f"f{at}", storage.put(f"f{at}", body), body) for at, body in enumerate(bodies)]

    assert contents(fetcher.fetch(*files)) == bodies
    assert fetcher.heard == Heard(8 * len(LARGE), 8 * len(LARGE), 8)


def test_fetch__no_files(fetcher: Fetcher) -> None:
    assert fetcher.fetch() == []


def test_fetch__no_digest(storage: Storage, fetcher: Fetcher) -> None:
    (fetched,) = fetcher.fetch(RemoteFile("model", storage.put("key", LARGE)))

    assert (fetched.partial.read_bytes(), fetched.verified) == (LARGE, "length")
