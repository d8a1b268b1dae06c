"""The server's log: one JSON object a line, without secrets.

No secret should reach the log. Texts from outside are still searched for what looks like one, as a
second line of defence.
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
    """Writes log lines: `log("a repository cannot be fetched", level="warning", repository=…)`.

    `write` takes one line with its newline; `utc` returns the current time.
    """

    write: Callable[[str], None]
    utc: Callable[[], datetime]

    def __call__(self, message: str, *, level: Level = "info", **fields: object) -> None:
        """Write one line; make texts in the fields safe, and leave out fields that are None."""
        head = {"time": self.utc().isoformat(timespec="milliseconds"), "level": level}
        shown = {name: _shown(value) for name, value in fields.items() if value is not None}
        self.write(_encode({**head, "message": _shown(message), **shown}) + "\n")

    def fault(self, message: str, traceback: str, **fields: object) -> None:
        """Log an internal error with the last lines of its traceback."""
        lines = traceback.splitlines()[-_LAST_LINES:]
        self(message, level="error", **fields, traceback=lines)


def to_descriptor(descriptor: int) -> Callable[[str], None]:
    """Return a writer of whole lines to a file descriptor, which many processes may share."""

    def write(line: str) -> None:
        with suppress(OSError):  # a request must not fail because the log cannot be written
            os.write(descriptor, line.encode())

    return write


def hidden(text: str) -> str:
    """Return the text with anything like a token, URL query, signature or password hidden."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _clean(text: str) -> str:
    return printable(hidden(text), _LONGEST)


_clean_cached = lru_cache(1000)(_clean)
"""For short texts, which repeat with every request."""


def _shown(value: object) -> object:
    match value:
        case str():
            return _clean(value) if len(value) > _SHORT else _clean_cached(value)
        case bool() | int() | float():
            return value
        case list() | tuple() | set() | frozenset():
            return [_shown(each) for each in value]
    return _clean(str(value))
