"""Ages, sizes and globs, as inputs and policy files write them. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

LONGEST_GLOB = 254
"""Characters: as long as an address may be."""
_NO_BRANCH = re.compile(r"[\s~^:?*\[\\]|\.\.|\A-|//|@\{|\A/|[/.]\Z|[\x00-\x1f\x7f]")
_AGE = re.compile(r"(?P<count>[0-9]{1,6})\s*(?P<unit>[mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SIZE = re.compile(r"(?P<count>[0-9]{1,15}(?:\.[0-9]{1,6})?)\s*(?P<unit>[kKMGT]i?B|B|)")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_age(text: str) -> int:
    """Return `30d`, `12h`, `2w` or `90m` in seconds; raise `ValueError` for anything else."""
    found = _AGE.fullmatch(text)
    seconds = int(found["count"]) * _SECONDS[found["unit"]] if found else 0
    if not seconds:
        raise ValueError("is not an age: write a number and m, h, d or w, e.g. 12h or 30d")
    return seconds


def shown_age(seconds: float) -> str:
    """Return an age in the largest unit that is a whole number of, e.g. `30d`; below `1m`, that."""
    minutes = max(1, int(seconds // 60))
    for unit, length in (("d", 1440), ("h", 60)):
        if minutes >= length and (minutes % length == 0 or minutes >= 2 * length):
            return f"{minutes // length}{unit}"
    return f"{minutes}m"


def parse_size(text: str) -> int:
    """Return `2GiB`, `500 MB` or `1048576` in bytes; raise `ValueError` for anything else.

    `kB`, `MB`, `GB` and `TB` are powers of 1,000; `KiB`, `MiB`, `GiB` and `TiB` of 1,024.
    """
    found = _SIZE.fullmatch(text)
    if found is None or (found["unit"] in ("", "B") and "." in found["count"]):
        raise ValueError("is not a size: write bytes, or a number and a unit, e.g. 500MB or 2GiB")
    base = 1024 if "i" in found["unit"] else 1000
    factor = math.prod([base] * _POWERS[found["unit"].rstrip("iB")])
    whole, _, part = found["count"].partition(".")
    return int(whole) * factor + int(part or 0) * factor // int("1" + "0" * len(part))


def check_branch(name: str) -> None:
    """Raise `ValueError` for what is no branch's name, or not only one's."""
    if not name or _NO_BRANCH.search(name):
        raise ValueError("is not a branch's name")


def check_glob(glob: str) -> None:
    """Raise `ValueError` for a glob that is too long to mean anything."""
    if not glob or len(glob) > LONGEST_GLOB:
        raise ValueError(f"is not a glob of 1 to {LONGEST_GLOB} characters")


def matches(text: str, globs: Iterable[str]) -> bool:
    """Return whether one of the globs matches all of `text`; `*` matches slashes, too."""
    return any(fnmatchcase(text, glob) for glob in globs)
