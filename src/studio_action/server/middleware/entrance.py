"""What every request passes on its way in and every answer on its way out; plain ASGI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio_action.server.api.answers import NOT_FOUND, refused
from studio_action.studio.api import TELLING

AT_THE_ROOT = frozenset({"/healthz", "/readyz", "/metrics"})
"""What is not for callers but for whoever runs the server: there, too, if it has a sub-path."""

_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "cache-control": "no-store",
}
"""An answer's own go over these."""
_OF_THE_API = {TELLING.lower(): "1"}
"""By this our client knows that it may ask for more than the API's documents have."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Sends a request to the `api` or to the `pages`, both of which are below `base_path`.

    A slash at the end of an endpoint's path changes nothing: a redirect would lose the body.
    """

    api: ASGIApp
    pages: ASGIApp
    base_path: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404 to what is not below the base path."""
        if scope["type"] != "http":
            return
        path, base_path = scope["path"], self.base_path
        if path in AT_THE_ROOT:
            base_path = ""
        elif path == base_path:
            path += "/"
        elif not path.startswith(f"{base_path}/"):
            await refused(404, NOT_FOUND).response()(scope, receive, send)
            return
        inner = path[len(base_path) :]
        of_api = f"{inner}/".startswith(("/api/", "/files/")) or inner in AT_THE_ROOT
        if inner.startswith("/api/"):
            path = path.rstrip("/")
        scope["path"], scope["root_path"] = path, base_path
        await (self.api if of_api else self.pages)(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Headers:
    """Gives every answer of `app` the headers that keep browsers from doing harm with it."""

    app: ASGIApp
    base_path: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers that the answer does not have."""
        of_api = scope["type"] == "http" and scope["path"].startswith(f"{self.base_path}/api/")
        raw = _encoded({**_HEADERS, **_OF_THE_API} if of_api else _HEADERS)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message["headers"])
                there = {name.lower() for name, _ in given}
                more = [(name, text) for name, text in raw if name not in there]
                message = {**message, "headers": [*given, *more]}
            await send(message)

        await self.app(scope, receive, with_headers)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), text.encode()) for name, text in headers.items()]
