"""JSON from outside, read with an end: in bytes, in depth and in the digits of a number. Pure.

Python's own reader takes any of the three as it comes: a few kilobytes may end in a
`RecursionError`, or keep it busy
(https://docs.python.org/3/library/json.html#implementation-limitations).
"""

from __future__ import annotations

import json
import re
from typing import Any

LARGEST = 64 << 20
"""Bytes; the answer for a model of a hundred thousand files stays well below."""
DEEPEST = 50
MOST_DIGITS = 30
"""Of a whole number; the largest size of a file has 19."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def read(content: bytes, largest: int = LARGEST) -> Any:
    """Return the value of `content`, JSON in UTF-8; raise `ValueError` for anything else."""
    if len(content) > largest:
        raise ValueError(f"it has {len(content)} bytes, more than {largest}")
    try:
        value = json.loads(content.decode("utf-8-sig"), parse_int=_int, parse_constant=_none)
    except RecursionError:
        raise _too_deep() from None
    if _is_too_deep(content):
        raise _too_deep()
    return value


def _int(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number has more than {MOST_DIGITS} digits")
    return int(digits)


def _none(name: str) -> float:
    raise ValueError(f"{name} is no number")  # RFC 8259, section 6


def _is_too_deep(content: bytes) -> bool:
    """Return whether well-formed JSON is nested deeper than `DEEPEST`."""
    brackets = _STRING.sub(b"", content).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {DEEPEST} deep")
