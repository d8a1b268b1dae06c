"""Which bytes of a file one request asks for, and under which status they go out. Pure.

RFC 9110, sections 13 (conditions), 14 (ranges) and 15.5.17 (416).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Headers = Mapping[str, str]
"""By lower-case name."""

ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,100})\s*-\s*(\d{0,100})\s*", re.ASCII | re.I)
"""A `Range` that is heeded."""
_TAGS = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class Part:
    """The answer's status, and the bytes `start` to `end` (exclusive) that are its body."""

    status: int
    start: int
    end: int
    headers: Mapping[str, str]

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return self.end - self.start


def part(method: str, headers: Headers, size: int, etag: str) -> Part:
    """What to send of a file of `size` bytes, whose strong ETag is `etag`, quotes included.

    Several ranges at once, and what is no range of bytes, are answered with the whole file; so is
    a `HEAD`, which has no ranges, and an `If-Range` that names another file than this one.
    """
    whole = Part(200, 0, size, {})
    if _names(headers.get("if-none-match", ""), etag):
        return Part(304, 0, 0, {})
    asked = ONE_RANGE.fullmatch(headers.get("range", ""))
    if method != "GET" or asked is None or headers.get("if-range", etag) != etag:
        return whole
    first, last = asked.groups()
    if not (first or last) or (first and last and int(first) > int(last)):
        return whole
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        return Part(416, 0, 0, {"content-range": f"bytes */{size}"})
    return Part(206, start, end, {"content-range": f"bytes {start}-{end - 1}/{size}"})


def _names(condition: str, etag: str) -> bool:
    """Whether an `If-None-Match` names the file; weak tags count, too."""
    return condition.strip() == "*" or etag in _TAGS.findall(condition)
