"""Decides which bytes of a file a request gets, and with which status. Pure.

RFC 9110, sections 13 (conditions), 14 (ranges) and 15.5.17 (416).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Headers = Mapping[str, str]
"""Header texts by name in lower case."""

ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,100})\s*-\s*(\d{0,100})\s*", re.ASCII | re.I)
"""A `Range` of the form that is supported: one range of bytes."""
_TAGS = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class Part:
    """A response: its status, and the bytes `start` to `end` (exclusive) that are its body."""

    status: int
    start: int
    end: int
    headers: Mapping[str, str]

    @property
    def length(self) -> int:
        """The number of bytes in the body."""
        return self.end - self.start


def select_part(method: str, headers: Headers, size: int, etag: str) -> Part:
    """Return the response for a file of `size` bytes with the strong ETag `etag`, in quotes.

    Select the whole file for several ranges, for other units than bytes, for `HEAD`, which has no
    ranges, and if `If-Range` has another ETag.
    """
    whole = Part(200, 0, size, {})
    if _matches(headers.get("if-none-match", ""), etag):
        return Part(304, 0, 0, {})
    match = ONE_RANGE.fullmatch(headers.get("range", ""))
    if method != "GET" or match is None or headers.get("if-range", etag) != etag:
        return whole
    first, last = match.groups()
    if not (first or last) or (first and last and int(first) > int(last)):
        return whole
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        return Part(416, 0, 0, {"content-range": f"bytes */{size}"})
    return Part(206, start, end, {"content-range": f"bytes {start}-{end - 1}/{size}"})


def _matches(condition: str, etag: str) -> bool:
    """Return whether an `If-None-Match` has the ETag; weak ones count, too."""
    return condition.strip() == "*" or etag in _TAGS.findall(condition)
