"""Text from outside, made safe to show, and numbers made easy to read. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice
from urllib.parse import urlsplit, urlunsplit

_MARKERS = re.compile(r"##(?=\[|vso\[|teamcity\[)|^:(?=:)|section_(?=start:|end:)")
_PUNCTUATION = re.compile(r"[!-,.:-@\[-`{-~]")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LONGEST_COMPARED, _MOST_COMPARED = 200, 2000
_JOINERS = "\u200c\u200d"
# Shown as nothing though of no such category; some runners look for commands past them
# (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point).
_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def printable(text: str, limit: int = 4000) -> str:
    """Return one line without control characters and commands of a CI system.

    Control, format and other invisible characters become `�` (runs of white space one space);
    `##[`, `##vso[`, `##teamcity[`, a leading `::` and `section_start:` are broken up.
    """
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join("�" if unicodedata.category(char) in _HIDDEN else char for char in line)
    if not line.isascii():
        line = _IGNORED.sub("�", line)
    line = _MARKERS.sub(lambda match: match[0] + " ", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def has_hidden_characters(text: str) -> bool:
    """Return whether `text` has control characters, or characters that turn or hide the rest.

    The two joiners, which some scripts and emoji need, and spaces of any width do not count.
    """
    if text.isprintable():
        return False
    return any(unicodedata.category(char) in _UNSEEN and char not in _JOINERS for char in text)


def escape_markup(text: str) -> str:
    """Return HTML, which is also Markdown, that shows `text` as it is: punctuation as `&#N;`.

    Letters, digits, space, `-` and `/` stay, which mean nothing inside a line.
    """
    return _PUNCTUATION.sub(lambda match: f"&#{ord(match[0])};", text)


def first_few(names: Sequence[str], most: int) -> str:
    """Return the first `most` names, and how many more there are; '' for none."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def nearest(text: str, names: Iterable[str]) -> str:
    """Return the name that `text` was probably meant to be; '' if none is like it.

    Case does not count, and the name after a folder's `:` is enough.
    """
    from difflib import get_close_matches  # late: only a mistake needs it

    spellings: dict[str, str] = {}
    for name in islice((each for each in names if len(each) <= _LONGEST_COMPARED), _MOST_COMPARED):
        for spelling in (name, name.rpartition(":")[2]):
            spellings.setdefault(spelling.lower(), name)
    asked = text[:_LONGEST_COMPARED].lower()
    for each in dict.fromkeys((asked, asked.rpartition(":")[2])):
        for found in get_close_matches(each, spellings, 1):
            return spellings[found]
    return ""


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """Return the question for `nearest`, with a space behind it; '' if no name is like `text`."""
    found = nearest(text, names)
    return f"Did you mean {found!r}? " if found else ""


def redact(url: str) -> str:
    """Return the URL without user info, query and fragment, so that it may be shown.

    '' where it cannot be read; without a host, everything up to an `@` counts as user info.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if "@" in parts.path and not parts.netloc:
        return parts.path.rpartition("@")[2]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def human_size(size: float) -> str:
    """Return bytes in a unit that fits, e.g. `17.3 MB` (powers of 1,000)."""
    if round(size) < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:  # no unit shows 1000.0
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def human_time(seconds: float) -> str:
    """Return seconds in a form that fits, e.g. `40 ms`, `1.4 s`, `17 s`, `2 min 05 s`."""
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
