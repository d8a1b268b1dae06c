"""What goes out: JSON, and the one place where an error becomes a status.

Errors have the shapes of Django REST framework, in which DVC Studio speaks: `{"detail": "…"}`, or
a list of texts for each field that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from studio_action.errors import (
    BadInput,
    ContentMismatch,
    DeadlinePassed,
    NotFound,
    ObjectMissing,
    StudioActionError,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.text import printable

NOT_FOUND = "Not found."
NO_REPOSITORY = "Repository not found or you don't have access to it"
FAULT = "A fault in the server itself; its log says more."

_LONGEST = 1000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SOON = 10
"""Seconds after which what failed may be asked for again."""


class Json(Response):
    """A JSON document, as short as can be."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The document's bytes."""
        return _encode(content).encode()


def document(content: BaseModel, status: int = 200) -> Response:
    """A JSON document of the API."""
    return Response(content.model_dump_json(), status, media_type=Json.media_type)


@dataclass
class Refused(Exception):
    """The request is answered with an error: a status of 4xx or 5xx, and a JSON body."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Json:
        """The answer."""
        return Json(self.body, self.status, self.headers)


def refused(status: int, detail: str, **headers: str) -> Refused:
    """An error with a `detail`; headers are written with `_` for `-`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Refused(status, {"detail": printable(detail, _LONGEST)}, named)


def wrong_fields(faults: Mapping[str, Sequence[str]]) -> Refused:
    """400: what is wrong with each field; `non_field_errors` is for several together."""
    shown = {name: [printable(each, _LONGEST) for each in texts] for name, texts in faults.items()}
    return Refused(400, shown)


def refusal(error: StudioActionError) -> Refused:
    """The answer to a request that failed for a reason which can be explained.

    409 is a repository or a storage that is broken at that version: asking again is no use until
    somebody mends it. 503 is what may be well again, with a `Retry-After` where that may be soon.
    """
    match error:
        case ObjectMissing() | UnexpectedAnswer() | ContentMismatch():
            return refused(HTTPStatus.CONFLICT, str(error))
        case NotFound():
            return refused(HTTPStatus.NOT_FOUND, str(error))
        case BadInput():
            return refused(HTTPStatus.BAD_REQUEST, str(error))
        case TokenRefused():
            said = f"No tokens to access the repo: {error.message}"
            return refused(HTTPStatus.SERVICE_UNAVAILABLE, said)
        case Unreachable() | DeadlinePassed() | WorkspaceRefused():
            said = error.message
            return refused(HTTPStatus.SERVICE_UNAVAILABLE, said, Retry_After=str(_SOON))
    return refused(HTTPStatus.INTERNAL_SERVER_ERROR, FAULT)
