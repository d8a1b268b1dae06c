"""What comes in and goes out over HTTP, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived; header names are in lower case, `path` is unquoted."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `body` goes out as JSON, text as HTML, bytes as they are."""

    status: int
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        """The bytes to send and their media type."""
        match self.body:
            case bytes():
                return self.body, "application/octet-stream"
            case str():
                return self.body.encode(), "text/html; charset=utf-8"
            case _:
                return json.dumps(self.body).encode(), "application/json"


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, body: object, **headers: str) -> None:
        super().__init__(status, body)
        self.answer = Answer(
            status, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )


def detail(status: int, text: str, **headers: str) -> Refused:
    """An error in the shape of Django REST framework, e.g. `{"detail": "Not found."}`."""
    return Refused(status, {"detail": text}, **headers)
