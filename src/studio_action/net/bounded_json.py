"""JSON from outside, read with an end: in bytes, values, depth and digits of a number. Pure.

Python's own reader takes any of the four as it comes: a few kilobytes may end in a
`RecursionError`, or keep it busy, and a megabyte may become a hundred in memory
(https://docs.python.org/3/library/json.html#implementation-limitations).
"""

from __future__ import annotations

import json
from typing import Any

LARGEST = 64 << 20
"""Bytes; the answer for a model of a hundred thousand files stays well below."""
MOST_VALUES = 6_000_000
"""Values and keys; the answer for half a million files has fewer."""
DEEPEST = 50
MOST_DIGITS = 30
"""Of a whole number; the largest size of a file has 19."""

_BLOCK = 1 << 20
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_STRUCTURE = bytes(set(range(256)) - set(b"[]{},:"))


def read(
    content: bytes,
    largest: int = LARGEST,
    most_values: int = MOST_VALUES,
    *,
    unique: bool = False,
) -> Any:
    """Return the value of `content`, JSON in UTF-8; raise `ValueError` for anything else.

    With `unique`, an object that has a name twice is refused; else the last one counts.
    """
    if len(content) > largest:
        raise ValueError(f"it has {len(content)} bytes, more than {largest}")
    structure = _structure(content, most_values)
    try:
        value = json.loads(
            content.decode("utf-8-sig"),
            parse_int=_int,
            parse_constant=_none,
            object_pairs_hook=_unique if unique else None,
        )
    except RecursionError:
        raise _too_deep() from None
    if _is_too_deep(structure):
        raise _too_deep()
    return value


def _int(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number has more than {MOST_DIGITS} digits")
    return int(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _none(name: str) -> float:
    raise ValueError(f"{name} is not a number")  # RFC 8259, section 6


def _structure(content: bytes, most_values: int) -> bytes:
    """Return well-formed JSON without its texts and numbers; raise `ValueError` for too many."""
    unescaped = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    found, values, in_text = bytearray(), 0, 0
    for start in range(0, len(unescaped), _BLOCK):  # by blocks, as each part is an object
        parts = unescaped[start : start + _BLOCK].split(b'"')
        block = b"".join(parts[in_text::2]).translate(None, _NO_STRUCTURE)
        values += sum(map(block.count, (b",", b"[", b"{", b":")))
        if values > most_values:
            raise ValueError(f"it has more than {most_values:,} values")
        found += block
        in_text ^= (len(parts) - 1) & 1
    return bytes(found)


def _is_too_deep(structure: bytes) -> bool:
    """Return whether well-formed JSON is nested deeper than `DEEPEST`."""
    brackets = structure.translate(_ONE_KIND, b",:")
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {DEEPEST} deep")
