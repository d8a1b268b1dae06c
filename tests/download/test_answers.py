from __future__ import annotations

from datetime import datetime, timezone

import pytest

from studio_action.download.answers import (
    Answer,
    Busy,
    Changed,
    Content,
    Failed,
    Missing,
    RangeRequest,
    Refused,
    Unranged,
    read_error,
    read_success,
)

NOW = datetime(2026, 7, 6, tzinfo=timezone.utc)
MD5 = "XUFAKrxLKna5cZ2REBfFkg=="
HEX = "5d41402abc4b2a76b9719d911017c592"


@pytest.mark.parametrize(
    ("asked", "headers"),
    [
        pytest.param(RangeRequest(), (), id="whole"),
        pytest.param(RangeRequest(0, 8), ("Range: bytes=0-7",), id="first part"),
        pytest.param(
            RangeRequest(8, 16, 99, '"a"'),
            ("Range: bytes=8-15", 'If-Range: "a"'),
            id="further part",
        ),
        pytest.param(RangeRequest(8, 16, 99, 'W/"a"'), ("Range: bytes=8-15",), id="weak ETag"),
        pytest.param(
            RangeRequest(8, 16, 99, "Mon, 06 Jul 2026 00:00:09 GMT"),
            ("Range: bytes=8-15", "If-Range: Mon, 06 Jul 2026 00:00:09 GMT"),
            id="date",
        ),
        pytest.param(RangeRequest(0, 8, 99, '"a"'), ("Range: bytes=0-7",), id="first part again"),
    ],
)
def test_headers(asked: RangeRequest, headers: tuple[str, ...]) -> None:
    assert asked.headers == ("Accept-Encoding: identity", *headers)


PART = {"content-range": "bytes 8-15/99", "content-length": "8", "etag": '"a"'}


@pytest.mark.parametrize(
    ("asked", "status", "headers", "answer"),
    [
        pytest.param(RangeRequest(), 200, {"content-length": "5"}, Content(0, 5, 5), id="whole"),
        pytest.param(RangeRequest(), 200, {}, Content(0, None, None), id="no length"),
        pytest.param(
            RangeRequest(8, 16), 200, {"content-length": "5"}, Content(0, 5, 5), id="Range ignored"
        ),
        pytest.param(
            RangeRequest(8, 16), 206, PART, Content(8, 16, 99, '"a"', None, True), id="part"
        ),
        pytest.param(
            RangeRequest(8, 16),
            200,
            PART,
            Content(8, 16, 99, '"a"', None, True),
            id="part sent as 200",
        ),
        pytest.param(
            RangeRequest(8, 20), 206, PART, Content(8, 16, 99, '"a"', None, True), id="shorter part"
        ),
        pytest.param(
            RangeRequest(8, 16, 98),
            206,
            PART,
            Changed("the file has 99 bytes now, and had 98 before"),
            id="other size",
        ),
        pytest.param(
            RangeRequest(8, 16, 99, '"b"'),
            206,
            PART,
            Changed("the file has another ETag or date than before"),
            id="other ETag",
        ),
        pytest.param(
            RangeRequest(8, 16),
            206,
            {**PART, "content-length": "9"},
            Unranged("9 bytes as bytes 8-15"),
            id="other length",
        ),
        pytest.param(
            RangeRequest(8, 16),
            206,
            {},
            Unranged("a part that does not say which one it is"),
            id="dumb",
        ),
        pytest.param(
            RangeRequest(),
            206,
            PART,
            Failed("only a part came, although the whole file was requested"),
            id="unasked",
        ),
        pytest.param(
            RangeRequest(),
            200,
            {"content-encoding": "br"},
            Failed("content is encoded as 'br', although no encoding was requested"),
            id="encoded",
        ),
        pytest.param(
            RangeRequest(),
            200,
            {"content-encoding": "Identity"},
            Content(0, None, None),
            id="identity",
        ),
        pytest.param(
            RangeRequest(),
            200,
            {"last-modified": "today"},
            Content(0, None, None, "today"),
            id="date",
        ),
        pytest.param(RangeRequest(), 202, {}, Failed("HTTP 202"), id="not content"),
        pytest.param(
            RangeRequest(),
            200,
            {"content-length": "-5"},
            Content(0, None, None),
            id="length unreadable",
        ),
    ],
)
def test_read_success(
    asked: RangeRequest, status: int, headers: dict[str, str], answer: Answer
) -> None:
    assert read_success(asked, status, headers) == answer


@pytest.mark.parametrize(
    ("headers", "md5"),
    [
        ({"content-md5": MD5}, HEX),
        ({"x-ms-blob-content-md5": MD5}, HEX),
        ({"x-goog-hash": f"crc32c=AAAAAA==,md5={MD5}"}, HEX),
        ({"x-goog-hash": "crc32c=AAAAAA=="}, None),
        ({"content-md5": "not base64"}, None),
        ({"content-md5": "AAAA"}, None),
    ],
)
def test_read_success__digest(headers: dict[str, str], md5: str | None) -> None:
    answer = read_success(RangeRequest(), 200, headers)

    assert isinstance(answer, Content)
    assert answer.md5 == md5


def test_read_success__digest_of_a_part() -> None:
    """`Content-MD5` is of the body; Azure's own header is of the file."""
    plain = read_success(RangeRequest(8, 16), 206, {**PART, "content-md5": MD5})
    azure = read_success(RangeRequest(8, 16), 206, {**PART, "x-ms-blob-content-md5": MD5})

    assert isinstance(plain, Content)
    assert isinstance(azure, Content)
    assert (plain.md5, azure.md5) == (None, HEX)


@pytest.mark.parametrize(
    ("status", "headers", "body", "answer"),
    [
        (404, {}, b"", Missing("HTTP 404")),
        (403, {}, b"<Code>AccessDenied</Code>", Refused("HTTP 403 (AccessDenied)")),
        (400, {}, b"<Code>AccessDenied</Code>", Refused("HTTP 400 (AccessDenied)")),
        (400, {}, b"<Code>InvalidRequest</Code>", Failed("HTTP 400 (InvalidRequest)")),
        (400, {}, b"<Code>RequestTimeout</Code>", Busy("HTTP 400 (RequestTimeout)")),
        (403, {"x-ms-error-code": "AuthFailed"}, b"", Refused("HTTP 403 (AuthFailed)")),
        (403, {"x-ms-error-code": "two words"}, b"", Refused("HTTP 403")),
        (403, {}, b"<Code>\x1b[31m</Code>", Refused("HTTP 403")),
        (410, {}, b"", Refused("HTTP 410")),
        (500, {}, b"\xff\xfe", Busy("HTTP 500")),
        (503, {"retry-after": "5"}, b"", Busy("HTTP 503", 5.0, slow=True)),
        (429, {}, b"", Busy("HTTP 429", None, slow=True)),
        (501, {}, b"", Failed("HTTP 501")),
        (302, {}, b"", Failed("HTTP 302")),
    ],
)
def test_read_error(status: int, headers: dict[str, str], body: bytes, answer: Answer) -> None:
    assert read_error(RangeRequest(), status, headers, body, NOW) == answer


@pytest.mark.parametrize(
    ("asked", "headers", "answer"),
    [
        pytest.param(
            RangeRequest(0, 8),
            {"content-range": "bytes */0", "etag": '"a"'},
            Content(0, 0, 0, '"a"'),
            id="empty",
        ),
        pytest.param(RangeRequest(0, 8), {}, Unranged("HTTP 416"), id="for no reason"),
        pytest.param(
            RangeRequest(8, 16),
            {"content-range": "bytes */5"},
            Changed("HTTP 416: the file is shorter than before"),
            id="shorter",
        ),
        pytest.param(RangeRequest(), {}, Failed("HTTP 416"), id="without a range"),
    ],
)
def test_read_error__unsatisfied(
    asked: RangeRequest, headers: dict[str, str], answer: Answer
) -> None:
    assert read_error(asked, 416, headers, b"", NOW) == answer
