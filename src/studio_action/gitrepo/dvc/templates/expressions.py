r"""A text with `${…}` in it, as `dvc/parsing/interpolate.py` takes it. Pure.

`${a.b[0]}` names a value; a text that is nothing else becomes that value, of whatever type, and in
any other text it is written out. `\${` is a `${` that means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

_OPEN, _CLOSE, _ESCAPE = "${", "}", "\\"
_WORD = r"[^.\[\]]+"
_NAME = re.compile(rf"{_WORD}(?:\.{_WORD}|\[{_WORD}\][ \n\r]*)*")
_LONGEST_NAME = 1000

Plain = None | bool | int | float | str | bytes


class Unfilled(ValueError):
    """A text cannot be filled in; says why, as in `has ${a}, and no variable is called that`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A `${…}` at `start` of a text, up to `end`; `name` is what is inside."""

    name: str
    start: int
    end: int


def references(text: str) -> Iterator[Reference]:
    """Yield every `${…}` of a text, each on one line and up to the first brace that closes."""
    place = 0
    while (start := text.find(_OPEN, place)) >= 0:
        inner = start + len(_OPEN)
        end = text.find(_CLOSE, inner)
        if end < 0:
            return
        line_end = text.find("\n", inner, end)
        if line_end >= 0:
            place = line_end
        elif text[start - 1 : start] == _ESCAPE:
            place = inner
        else:
            place = end + len(_CLOSE)
            yield Reference(text[inner:end], start, place)


def sole_reference(text: str) -> Reference | None:
    """Return the `${…}` that is all of the text."""
    found = next(references(text), None)
    return found if found and found.start == 0 and found.end == len(text) else None


def steps(name: str) -> list[str]:
    """Return the steps to a value, for `a.b[0]` a, b and 0; raise `Unfilled` for no name."""
    name = name.expandtabs()
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise Unfilled(f"has ${{{name[:100]}}}, which names nothing")
    return [step.strip() for step in name.replace("[", ".").replace("]", "").split(".")]


def fill(text: str, select: Callable[[str], object], check_length: Callable[[int], None]) -> object:
    """Return what becomes of a text; `select` gives the value of a name.

    `check_length` is told how long the text is on the way. Raises `Unfilled`, and what both raise.
    """
    check_length(len(text))
    if sole := sole_reference(text):
        return select(sole.name)
    pieces: list[str] = []
    place = length = 0
    for found in references(text):
        written = _in_text(select(found.name), found.name)
        length += found.start - place + len(written)
        check_length(length)
        pieces += text[place : found.start], written
        place = found.end
    return "".join((*pieces, text[place:])).replace(_ESCAPE + _OPEN, _OPEN)


def _in_text(value: object, name: str) -> str:
    if not is_plain(value):
        raise Unfilled(f"has ${{{name[:100]}}}, a {type(value).__name__}, in a text")
    return shown(value)


def shown(value: object) -> str:
    """Return a value as a text: as YAML has it for truth, else as Python has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_plain(value: object) -> TypeGuard[Plain]:
    """Return whether it is neither a list nor a mapping nor what DVC has no place for, such as a
    date.
    """
    return value is None or isinstance(value, bool | int | float | str | bytes)
