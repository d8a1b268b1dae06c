"""Text from outside, made safe to show, and numbers made easy to read. Pure."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit, urlunsplit

_MARKERS = re.compile(r"##(?=\[|vso\[|teamcity\[)|^:(?=:)|section_(?=start:|end:)")
_PUNCTUATION = re.compile(r"[!-,.:-@\[-`{-~]")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, limit: int = 4000) -> str:
    """One line without control characters and without what a CI system takes for a command.

    Control, format and separator characters become `�` (runs of white space one space);
    `##[`, `##vso[`, `##teamcity[`, a leading `::` and `section_start:` are broken up.
    """
    line = " ".join(text.split())
    line = "".join("�" if unicodedata.category(char) in _HIDDEN else char for char in line)
    line = _MARKERS.sub(lambda match: match[0] + " ", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def entities(text: str) -> str:
    """HTML, and as well Markdown, that shows `text` as it is: punctuation as `&#N;`.

    Letters, digits, space, `-` and `/` stay, which mean nothing inside a line.
    """
    return _PUNCTUATION.sub(lambda match: f"&#{ord(match[0])};", text)


def redact(url: str) -> str:
    """The URL without user info, query and fragment: what may be shown of it."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def human_size(size: float) -> str:
    """Bytes in a unit that fits, e.g. `17.3 MB` (powers of 1,000)."""
    if round(size) < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:  # no unit shows 1000.0
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def human_time(seconds: float) -> str:
    """Seconds in a form that fits, e.g. `0.4 s`, `17 s`, `2 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
