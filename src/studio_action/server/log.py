"""What the server says: one JSON object a line, without secrets.

Secrets do not get this far; that what looks like one is hidden here as well is a second line of
defence, for texts that were written by somebody else.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from studio_action.text import printable

Level = Literal["info", "warning", "error"]

_LONGEST = 4000
_SHORT = 200
_encode = json.JSONEncoder(ensure_ascii=False).encode
_LAST_LINES = 100
_TOKEN = re.compile(r"(?<![A-Za-z0-9])[id]sat_\w+")
_QUERY = re.compile(r"(\w://[^\s?#]*|\A/[^\s?#]*)[?#]\S*")
_SIGNATURE = re.compile(
    r"\b((?:X-(?:Amz|Goog)-)?(?:Signature|Credential|Security-Token)|sig)=[^&\s]+", re.IGNORECASE
)
_USER_INFO = re.compile(r"://[^/@\s]*@")
_AUTHORIZATION = re.compile(
    r"\b(authorization:?\s+\w+|bearer|token)\s+[\w.~+/=-]{20,}", re.IGNORECASE
)


_SECRETS = (
    (_TOKEN, "***"),
    (_QUERY, r"\1?***"),
    (_SIGNATURE, r"\1=***"),
    (_USER_INFO, "://"),
    (_AUTHORIZATION, r"\1 ***"),
)


@dataclass(frozen=True, slots=True)
class Log:
    """Says things: `log("a repository cannot be reached", level="warning", repository=…)`.

    `write` takes one line with its end; `utc` tells the moment.
    """

    write: Callable[[str], None]
    utc: Callable[[], datetime]

    def __call__(self, message: str, *, level: Level = "info", **fields: object) -> None:
        """Write one line; of the fields, texts are made safe, and None is left out."""
        told = {"time": self.utc().isoformat(timespec="milliseconds"), "level": level}
        shown = {name: _shown(value) for name, value in fields.items() if value is not None}
        self.write(_encode({**told, "message": _shown(message), **shown}) + "\n")

    def fault(self, message: str, traceback: str, **fields: object) -> None:
        """Write what is nobody's fault but the program's, with its traceback as lines."""
        lines = traceback.splitlines()[-_LAST_LINES:]
        self(message, level="error", **fields, traceback=lines)


def to_descriptor(descriptor: int) -> Callable[[str], None]:
    """A writer of whole lines, which many processes may share; what cannot be written is lost."""

    def write(line: str) -> None:
        with suppress(OSError):  # no request fails because nobody reads the log
            os.write(descriptor, line.encode())

    return write


def hidden(text: str) -> str:
    """The text without what looks like a token, a URL's query, a signature or user info."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _clean(text: str) -> str:
    return printable(hidden(text), _LONGEST)


_clean_again = lru_cache(1000)(_clean)
"""For short texts: of a request, nothing but its id is new."""


def _shown(value: object) -> object:
    match value:
        case str():
            return _clean(value) if len(value) > _SHORT else _clean_again(value)
        case bool() | int() | float():
            return value
        case list() | tuple() | set() | frozenset():
            return [_shown(each) for each in value]
    return _clean(str(value))
