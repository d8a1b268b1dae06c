"""What a storage's answer to a GET means: content, a reason to come back later, or the end. Pure.

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
class Asked:
    """Bytes `start` to `end` (exclusive) of a file; all of it, without a `Range`, if `end` is None.

    `size` and `validator` are what earlier answers told, and what this one must agree with. The
    validator is the ETag, or else the date of the last change; a weak ETag must not be sent.
    """

    start: int = 0
    end: int | None = None
    size: int | None = None
    validator: str = ""

    @property
    def headers(self) -> tuple[str, ...]:
        """Header lines to send; `identity`, because a digest is of the bytes as they are stored."""
        lines = ["Accept-Encoding: identity"]
        if self.end is not None:
            lines.append(f"Range: bytes={self.start}-{self.end - 1}")
            if self.start and self.validator and not self.validator.startswith("W/"):
                lines.append(f"If-Range: {self.validator}")
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes `start` to `end` (None: to the end of the connection) of a file of `size` follow.

    `md5` is what the storage says about the whole file, if it does; `ranged`: it heeded `Range`.
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
    """The storage cannot be asked for parts of this file: it has to be fetched in one go."""

    reason: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now. `slow` asks for less of everything; `retry_after` is in seconds."""

    reason: str
    retry_after: float | None = None
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The signature is not, or no longer, good."""

    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The storage has no such object."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An answer that asking again will not change; `hint` says what may."""

    reason: str
    hint: str = ""


Answer = Content | Changed | Unranged | Busy | Refused | Missing | Failed


def read_success(
    asked: Asked, status: int, headers: Headers
) -> Content | Changed | Unranged | Failed:
    """The meaning of a 2xx answer, from its head."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        return Failed(f"content encoded as {encoding!r}, though it was asked for as it is")
    if status == 206 or (status == 200 and "content-range" in headers):
        return _read_part(asked, headers)
    if status == 200:
        length = _number(headers.get("content-length"))
        return Content(0, length, length, _validator(headers), _md5(headers, whole=True))
    return Failed(f"HTTP {status}")


def _read_part(asked: Asked, headers: Headers) -> Content | Changed | Unranged | Failed:
    told = headers.get("content-range", "")
    match = _CONTENT_RANGE.fullmatch(told.strip())
    if asked.end is None:
        return Failed("a part, though the whole file was asked for")
    if match is None:
        return Unranged("a part without saying which one")
    start, end, size = int(match[1]), int(match[2]) + 1, int(match[3])
    length = _number(headers.get("content-length"))
    if start != asked.start or not start < end <= min(asked.end, size):
        return Unranged(
            f"bytes {start}-{end - 1}, where {asked.start}-{asked.end - 1} were asked for"
        )
    if length is not None and length != end - start:
        return Unranged(f"{length} bytes as bytes {start}-{end - 1}")
    validator = _validator(headers)
    if asked.size is not None and size != asked.size:
        return Changed(f"the file has {size} bytes now, and had {asked.size} before")
    if asked.validator and validator and validator != asked.validator:
        return Changed("the file has another ETag or date than before")
    return Content(start, end, size, validator, _md5(headers, whole=end - start == size), True)


def read_error(asked: Asked, status: int, headers: Headers, body: bytes, now: datetime) -> Answer:
    """The meaning of any other answer, from its head and the start of its body."""
    if status == 416:
        return _read_unsatisfied(asked, headers)
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


def _read_unsatisfied(asked: Asked, headers: Headers) -> Answer:
    """416: an empty file has no first byte that could be asked for."""
    match = _SIZE_ALONE.fullmatch(headers.get("content-range", "").strip())
    size = int(match[1]) if match else None
    if asked.end is None:
        return Failed("HTTP 416")
    if asked.start == 0:
        return Content(0, 0, 0, _validator(headers)) if size == 0 else Unranged("HTTP 416")
    return Changed("HTTP 416: the file is shorter than before")


def _validator(headers: Headers) -> str:
    return headers.get("etag") or headers.get("last-modified", "")


def _error_code(headers: Headers, body: bytes) -> str:
    """S3's or Azure's name of the error; the rest of such a body may quote the signature."""
    match = _CODE.search(body.decode("utf-8", "replace"))
    code = match[1] if match else headers.get("x-ms-error-code", "")
    return code if re.fullmatch(r"[A-Za-z0-9_.]{1,64}", code) else ""


def _md5(headers: Headers, *, whole: bool) -> str | None:
    """The file's MD5 in hexadecimal; `Content-MD5` is of the body, so only if that is `whole`."""
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
