"""Routes requests to the API or to the pages, below the server's sub-path."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from studio_action.server.api.responses import NOT_FOUND, refused

UNPREFIXED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths for whoever operates the server; they never have the sub-path in front."""
_WELL_KNOWN = "/.well-known/"
_METADATA = f"{_WELL_KNOWN}oauth-authorization-server"


@dataclass(frozen=True, slots=True)
class BasePathRouter:
    """Sends a request to `api` or `pages`, which are both below `base_path`.

    It ignores a slash at the end of an endpoint's path: a redirect would lose the body.
    """

    api: ASGIApp
    pages: ASGIApp
    base_path: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 404 to a path that is not below the base path."""
        if scope["type"] != "http":
            return
        path, base_path = scope["path"], self.base_path
        if path == f"{_METADATA}{base_path}":  # RFC 8414, section 3.1: before the sub-path
            path = f"{base_path}{_METADATA}"
        if path in UNPREFIXED_PATHS:
            base_path = ""
        elif path == base_path:
            path += "/"
        elif not path.startswith(f"{base_path}/"):
            await refused(404, NOT_FOUND).response()(scope, receive, send)
            return
        inner = path[len(base_path) :]
        of_api = ("/api/", "/files/", _WELL_KNOWN)
        is_for_api = f"{inner}/".startswith(of_api) or inner in UNPREFIXED_PATHS
        if inner.startswith("/api/"):
            path = path.rstrip("/")
        scope["path"], scope["root_path"] = path, base_path
        await (self.api if is_for_api else self.pages)(scope, receive, send)
