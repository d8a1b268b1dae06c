"""What the text of an input may be; each parser refuses other text with `BadInput`.

Pure, but for `file_text`.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from studio_action.inputs.lookup import Value
from studio_action.inputs.table import BY_NAME
from studio_action.model.paths import from_home

_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})


def choice(value: Value) -> str:
    """Return one of the choices that the input has."""
    choices = BY_NAME[value.name].choices
    if value.text not in choices:
        raise value.refuse(f"is not one of {', '.join(choices)}")
    return value.text


def is_true(value: Value) -> bool:
    """Return whether it is true; false for what `flag` refuses."""
    return value.text.lower() in _TRUE


def flag(value: Value) -> bool:
    """Return a truth value, which may have any of the spellings that CI systems use."""
    if value.text.lower() in _TRUE | _FALSE:
        return value.text.lower() in _TRUE
    raise value.refuse("is neither true nor false")


def seconds(value: Value) -> float:
    """Return a number of seconds above 0."""
    try:
        seconds = float(value.text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise value.refuse("is not a number of seconds above 0")
    return seconds


def count(value: Value, least: int, most: int) -> int:
    """Return a whole number from `least` to `most`."""
    if not (value.text.isascii() and value.text.isdigit() and least <= int(value.text) <= most):
        raise value.refuse(f"is not a whole number from {least} to {most}")
    return int(value.text)


def entries(value: Value) -> tuple[str, ...]:
    """Return the entries of a list: one a line, or separated by commas."""
    return tuple(part.strip() for part in re.split(r"[\n,]", value.text) if part.strip())


def one_line(value: Value) -> str:
    """Return text without line breaks and control characters."""
    if not value.text.isprintable():
        raise value.refuse("has a line break or control character")
    return value.text


def path(value: Value) -> Path | None:
    """Return a path, a leading `~` being the home directory; None for an input not given."""
    try:
        return from_home(value.text, value.home) if value.text else None
    except ValueError as error:
        raise value.refuse(str(error), "Write the path whole, or ./~… for that name") from None


def file_text(value: Value) -> str:
    """Return the text of the file that an input names."""
    try:
        return (path(value) or Path()).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise value.refuse(f"cannot be read: {reason}") from error
