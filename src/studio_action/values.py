"""What the text of an input may be; each reader refuses other text with `BadInput`. Pure."""

from __future__ import annotations

import math
import re

from studio_action.inputs import INPUTS, Value

_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})
_CHOICES = {each.name: each.choices for each in INPUTS if each.choices}


def choice(value: Value) -> str:
    """One of the choices that the input has."""
    choices = _CHOICES[value.name]
    if value.text not in choices:
        raise value.refuse(f"is not one of {', '.join(choices)}")
    return value.text


def flag(value: Value) -> bool:
    """A truth value, in any of the spellings that CI systems use."""
    if value.text.lower() in _TRUE | _FALSE:
        return value.text.lower() in _TRUE
    raise value.refuse("is neither true nor false")


def seconds(value: Value) -> float:
    """A time, in seconds, above 0."""
    try:
        seconds = float(value.text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise value.refuse("is not a number of seconds above 0")
    return seconds


def count(value: Value, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    if not (value.text.isascii() and value.text.isdigit() and least <= int(value.text) <= most):
        raise value.refuse(f"is not a whole number from {least} to {most}")
    return int(value.text)


def listed(value: Value) -> tuple[str, ...]:
    """The entries of a list: one a line, or separated by commas."""
    return tuple(part.strip() for part in re.split(r"[\n,]", value.text) if part.strip())


def one_line(value: Value) -> str:
    """Text without line breaks and control characters."""
    if not value.text.isprintable():
        raise value.refuse("has a line break or control character")
    return value.text
