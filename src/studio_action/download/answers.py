"""What a storage's answer to a GET means: content, a reason to try again, or a failure. Pure.

Ranges: RFC 9110, sections 14 and 15.3.7. Seen in the wild and understood: a part sent as 200 with
a `Content-Range` (rclone), `If-Range` ignored (SeaweedFS), 400 (rclone) and 410 (nginx) for a
signature that expired.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from studio_action.net import backoff

Headers = Mapping[str, str]
"""By lower-case name; of equal names the last one."""

ERROR_BODY = 4096
"""Bytes of an error's body that are enough to understand it."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_SIZE_ALONE = re.compile(r"bytes \*/(\d{1,18})")
_CODE = re.compile(r"<Code>([A-Za-z0-9_.]{1,64})</Code>")
_EXPIRED_CODES = frozenset(
    {
        "AccessDenied",
        "AuthenticationFailed",
        "ExpiredToken",
        "RequestExpired",
        "TokenRefreshRequired",
    }
)


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """Bytes `start` to `end` (exclusive) of a file; all of it, without a `Range`, if `end` is None.

    `size` and `validator` are those of earlier answers, which this one must agree with. The
    validator is the ETag, or else the date of the last change; a weak ETag must not be sent.
    """

    start: int = 0
    end: int | None = None
    size: int | None = None
    validator: str = ""

    @property
    def headers(self) -> tuple[str, ...]:
        """Return header lines; `identity`, because a digest is of the bytes as they are stored."""
        lines = ["Accept-Encoding: identity"]
        if self.end is not None:
            lines.append(f"Range: bytes={self.start}-{self.end - 1}")
            if self.start and self.validator and not self.validator.startswith("W/"):
                lines.append(f"If-Range: {self.validator}")
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes `start` to `end` (None: to the end of the connection) of a file of `size` follow.

    `md5` is what the storage says about the whole file, if it does; `ranged`: it obeyed `Range`.
    """

    start: int
    end: int | None
    size: int | None
    validator: str = ""
    md5: str | None = None
    ranged: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """Not the file that the parts so far are of: it has to be fetched from its start."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unranged:
    """The storage sends no parts of this file: it has to be fetched as a whole."""

    reason: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now. `slow`: the storage asks for fewer requests; `retry_after` is in seconds."""

    reason: str
    retry_after: float | None = None
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The signature is not valid, or not any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The storage has no such object."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An answer that another try will not change; `hint` says what may."""

    reason: str
    hint: str = ""


Answer = Content | Changed | Unranged | Busy | Refused | Missing | Failed


def read_success(
    request: RangeRequest, status: int, headers: Headers
) -> Content | Changed | Unranged | Failed:
    """Return the meaning of a 2xx answer, from its head."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        return Failed(f"content is encoded as {encoding!r}, although no encoding was requested")
    if status == 206 or (status == 200 and "content-range" in headers):
        return _read_part(request, headers)
    if status == 200:
        length = _number(headers.get("content-length"))
        return Content(0, length, length, _validator(headers), _md5(headers, whole=True))
    return Failed(f"HTTP {status}")


def _read_part(request: RangeRequest, headers: Headers) -> Content | Changed | Unranged | Failed:
    given = headers.get("content-range", "")
    match = _CONTENT_RANGE.fullmatch(given.strip())
    if request.end is None:
        return Failed("only a part came, although the whole file was requested")
    if match is None:
        return Unranged("a part that does not say which one it is")
    start, end, size = int(match[1]), int(match[2]) + 1, int(match[3])
    length = _number(headers.get("content-length"))
    if start != request.start or not start < end <= min(request.end, size):
        return Unranged(
            f"bytes {start}-{end - 1}, where {request.start}-{request.end - 1} were requested"
        )
    if length is not None and length != end - start:
        return Unranged(f"{length} bytes as bytes {start}-{end - 1}")
    validator = _validator(headers)
    if request.size is not None and size != request.size:
        return Changed(f"the file has {size} bytes now, and had {request.size} before")
    if request.validator and validator and validator != request.validator:
        return Changed("the file has another ETag or date than before")
    return Content(start, end, size, validator, _md5(headers, whole=end - start == size), True)


def read_error(
    request: RangeRequest, status: int, headers: Headers, body: bytes, now: datetime
) -> Answer:
    """Return the meaning of any other answer, from its head and the start of its body."""
    if status == 416:
        return _read_unsatisfied(request, headers)
    code = _error_code(headers, body)
    reason = f"HTTP {status}" + (f" ({code})" if code else "")
    if status == 404:
        return Missing(reason)
    if status in (401, 403, 410) or (status == 400 and code in _EXPIRED_CODES):
        return Refused(reason)
    if status in backoff.RETRYABLE_STATUSES or status > 505 or code == "RequestTimeout":
        retry_after = backoff.retry_after_seconds(headers.get("retry-after"), now=now)
        return Busy(reason, retry_after, slow=status in (429, 503))
    return Failed(reason)


def _read_unsatisfied(request: RangeRequest, headers: Headers) -> Answer:
    """Return the meaning of 416: an empty file has no first byte to request."""
    match = _SIZE_ALONE.fullmatch(headers.get("content-range", "").strip())
    size = int(match[1]) if match else None
    if request.end is None:
        return Failed("HTTP 416")
    if request.start == 0:
        return Content(0, 0, 0, _validator(headers)) if size == 0 else Unranged("HTTP 416")
    return Changed("HTTP 416: the file is shorter than before")


def _validator(headers: Headers) -> str:
    return headers.get("etag") or headers.get("last-modified", "")


def _error_code(headers: Headers, body: bytes) -> str:
    """Return S3's or Azure's name of the error; the rest of the body may quote the signature."""
    match = _CODE.search(body.decode("utf-8", "replace"))
    code = match[1] if match else headers.get("x-ms-error-code", "")
    return code if re.fullmatch(r"[A-Za-z0-9_.]{1,64}", code) else ""


def _md5(headers: Headers, *, whole: bool) -> str | None:
    """Return the file's MD5, if told; `Content-MD5` is of the body, so only if that is `whole`."""
    given = headers.get("x-ms-blob-content-md5", "")
    if not given and whole:
        given = headers.get("content-md5", "")
    if not given and "x-goog-hash" in headers:
        goog = re.search(r"(?:^|[,\s])md5=([A-Za-z0-9+/=]+)", headers["x-goog-hash"])
        given = goog[1] if goog else ""
    if not given:
        return None
    try:
        digest = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == 16 else None


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
