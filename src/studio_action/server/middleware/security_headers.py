"""The headers that protect browsers, on every response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio_action.studio.api import EXTENSION_HEADER

_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "cache-control": "no-store",
}
"""Defaults; a response keeps headers of its own."""
_API_HEADERS = {EXTENSION_HEADER.lower(): "1"}
"""Tells our own client that the server has more endpoints than DVC Studio."""


@dataclass(frozen=True, slots=True)
class SecurityHeaders:
    """Adds headers to every response of `app` that stop browsers from misusing it."""

    app: ASGIApp
    base_path: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers that the response lacks."""
        is_for_api = scope["type"] == "http" and scope["path"].startswith(f"{self.base_path}/api/")
        raw = _encoded({**_HEADERS, **_API_HEADERS} if is_for_api else _HEADERS)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message["headers"])
                names = {name.lower() for name, _ in own}
                added = [(name, text) for name, text in raw if name not in names]
                message = {**message, "headers": [*own, *added]}
            await send(message)

        await self.app(scope, receive, with_headers)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), text.encode()) for name, text in headers.items()]
