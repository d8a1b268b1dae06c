"""JSON responses, and the HTTP status of every error.

Errors look like those of Django REST framework, which DVC Studio uses: `{"detail": "…"}`, or a list
of messages for each wrong field.
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
FAULT = "Internal server error. See the server's log."

_LONGEST = 1000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_RETRY_AFTER = 10
"""The seconds after which a client may try again."""


class Json(Response):
    """A JSON document without spaces."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the document as bytes."""
        return _encode(content).encode()


def document(content: BaseModel, status: int = 200) -> Response:
    """Return a response with one of the API's documents."""
    return Response(content.model_dump_json(), status, media_type=Json.media_type)


@dataclass
class ApiError(Exception):
    """Stop handling the request and answer it with this 4xx or 5xx status and JSON body."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Json:
        """Return the error as a response."""
        return Json(self.body, self.status, self.headers)


def refused(status: int, detail: str, **headers: str) -> ApiError:
    """Return an error with a `detail`; write `_` for `-` in the names of `headers`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return ApiError(status, {"detail": printable(detail, _LONGEST)}, named)


def field_errors(errors: Mapping[str, Sequence[str]]) -> ApiError:
    """Return a 400 with messages by field; `non_field_errors` holds those about several fields."""
    shown = {name: [printable(each, _LONGEST) for each in texts] for name, texts in errors.items()}
    return ApiError(400, shown)


def to_api_error(error: StudioActionError) -> ApiError:
    """Return the API's error for an error of the program.

    409 means that the repository or its storage is broken at that version, so a retry cannot help.
    503 means that a retry may help; it has a `Retry-After` if that may be soon.
    """
    match error:
        case ObjectMissing() | UnexpectedAnswer() | ContentMismatch():
            return refused(HTTPStatus.CONFLICT, str(error))
        case NotFound():
            return refused(HTTPStatus.NOT_FOUND, str(error))
        case BadInput():
            return refused(HTTPStatus.BAD_REQUEST, str(error))
        case TokenRefused():
            detail = f"No tokens to access the repo: {error.message}"
            return refused(HTTPStatus.SERVICE_UNAVAILABLE, detail)
        case Unreachable() | DeadlinePassed() | WorkspaceRefused():
            return refused(
                HTTPStatus.SERVICE_UNAVAILABLE, error.message, Retry_After=str(_RETRY_AFTER)
            )
    return refused(HTTPStatus.INTERNAL_SERVER_ERROR, FAULT)
