"""What of a file is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.server.files.ranges import Part, select_part

ETAG = '"0123456789abcdef"'


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param("bytes=0-9", Part(206, 0, 10, {"content-range": "bytes 0-9/100"}), id="first"),
        pytest.param(
            "bytes=90-", Part(206, 90, 100, {"content-range": "bytes 90-99/100"}), id="on"
        ),
        pytest.param(
            "bytes=-5", Part(206, 95, 100, {"content-range": "bytes 95-99/100"}), id="end"
        ),
        pytest.param(
            "bytes=-500", Part(206, 0, 100, {"content-range": "bytes 0-99/100"}), id="longer suffix"
        ),
        pytest.param(
            "bytes=50-999", Part(206, 50, 100, {"content-range": "bytes 50-99/100"}), id="past end"
        ),
        pytest.param(
            "Bytes = 1-1", Part(206, 1, 2, {"content-range": "bytes 1-1/100"}), id="odd spelling"
        ),
        pytest.param("bytes=100-", Part(416, 0, 0, {"content-range": "bytes */100"}), id="beyond"),
        pytest.param("bytes=-0", Part(416, 0, 0, {"content-range": "bytes */100"}), id="no suffix"),
        pytest.param("bytes=0-1,5-6", Part(200, 0, 100, {}), id="several"),
        pytest.param("bytes=9-0", Part(200, 0, 100, {}), id="backwards"),
        pytest.param("bytes=-", Part(200, 0, 100, {}), id="neither"),
        pytest.param("lines=0-9", Part(200, 0, 100, {}), id="another unit"),
        pytest.param("bytes=0x1-9", Part(200, 0, 100, {}), id="no number"),
        pytest.param("bytes=٣-٤", Part(200, 0, 100, {}), id="digits of another script"),
        pytest.param("bytes=" + "9" * 5000 + "-", Part(200, 0, 100, {}), id="absurd number"),
    ],
)
def test_part__range(asked: str, expected: Part) -> None:
    assert select_part("GET", {"range": asked}, 100, ETAG) == expected


def test_part__of_an_empty_file() -> None:
    assert select_part("GET", {"range": "bytes=0-"}, 0, ETAG).status == 416
    assert select_part("GET", {}, 0, ETAG) == Part(200, 0, 0, {})


def test_part__head_has_no_ranges() -> None:
    assert select_part("HEAD", {"range": "bytes=0-9"}, 100, ETAG) == Part(200, 0, 100, {})


@pytest.mark.parametrize(
    ("validator", "status"),
    [
        pytest.param(ETAG, 206, id="the same"),
        pytest.param('"another"', 200, id="another"),
        pytest.param("W/" + ETAG, 200, id="weak"),
        pytest.param("Sun, 22 Nov 2026 00:00:00 GMT", 200, id="a date"),
    ],
)
def test_part__if_range(validator: str, status: int) -> None:
    assert (
        select_part("GET", {"range": "bytes=0-9", "if-range": validator}, 100, ETAG).status
        == status
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("condition", "status"),
    [
        pytest.param(ETAG, 304, id="the same"),
        pytest.param(f'"a", W/{ETAG}', 304, id="weak, in a list"),
        pytest.param("*", 304, id="any"),
        pytest.param('"another"', 200, id="another"),
        pytest.param("0123456789abcdef", 200, id="without quotes"),
    ],
)
def test_part__if_none_match(method: str, condition: str, status: int) -> None:
    assert select_part(method, {"if-none-match": condition}, 100, ETAG).status == status


@given(st.text() | st.from_regex(r"bytes=\d{0,4}-\d{0,4}", fullmatch=True), st.integers(0, 5000))
def test_part__never_leaves_the_file(asked: str, size: int) -> None:
    found = select_part("GET", {"range": asked}, size, ETAG)

    assert 0 <= found.start <= found.end <= size
    assert (found.status == 206) == ("content-range" in found.headers and found.length > 0)
