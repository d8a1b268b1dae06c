"""The API's documentation: the OpenAPI document and Swagger UI, without outside resources."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]

from studio_action import __version__
from studio_action.server.api.responses import Json

_TITLE = "studio-action"
_DESCRIPTION = (
    "A self-hosted model registry with the REST API of DVC Studio, backed by Git repositories."
    ' Errors are JSON: `{"detail": "…"}`, or a list of messages for each wrong field.'
)
_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_START = """\
window.onload = () => SwaggerUIBundle({
  url: document.querySelector("link[rel=service-desc]").href,
  dom_id: "#swagger-ui",
  deepLinking: true,
});
"""
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="service-desc" type="application/json" href="{base}/api/openapi.json">
  <link rel="stylesheet" href="{base}/api/docs/swagger-ui.css">
  <link rel="icon" type="image/png" href="{base}/api/docs/favicon-32x32.png">
  <script src="{base}/api/docs/swagger-ui-bundle.js" defer></script>
  <script src="{base}/api/docs/start.js" defer></script>
</head>
<body>
  <div id="swagger-ui"></div>
  <noscript>The API is described in <a href="{base}/api/openapi.json">openapi.json</a>.</noscript>
</body>
</html>
"""
# Swagger UI writes styles into its elements, and has its icons in data: URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_CACHED = {"Cache-Control": "public, max-age=86400"}


@dataclass(frozen=True, slots=True)
class Documentation:
    """The endpoints `/api/openapi.json` and `/api/docs`, open to everyone."""

    described: Sequence[APIRoute]
    base_path: str

    def routes(self) -> list[Route]:
        """Return the routes."""
        document = Json(_document(self.described, self.base_path))
        return [
            Route("/api/openapi.json", lambda _: document),
            Route("/api/docs", self.page),
            Route("/api/docs/start.js", lambda _: _script(_START)),
            *(Route(f"/api/docs/{name}", _file) for name in _FILES),
        ]

    def page(self, request: Request) -> Response:
        """Return the page of Swagger UI."""
        page = _PAGE.format(title=f"{_TITLE}: the API", base=html.escape(self.base_path))
        return Response(page, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


def _document(described: Sequence[APIRoute], base_path: str) -> dict[str, Any]:
    """Return the OpenAPI document of these routes."""
    document = get_openapi(
        title=_TITLE,
        openapi_version="3.0.3",  # which more tools read than 3.1, this Swagger UI among them
        version=__version__,
        description=_DESCRIPTION,
        routes=described,
        servers=[{"url": base_path or "/"}],
    )
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`token`, a space, and the token.",
        }
    }
    for path, operations in document["paths"].items():
        if path.startswith(("/api/model-registry/", "/api/create-project")):
            for operation in operations.values():
                operation["security"] = [{"token": []}]
    return document


def _file(request: Request) -> Response:
    file = Path(swagger_ui_path, request.url.path.rpartition("/")[2])
    return Response(file.read_bytes(), media_type=_TYPES[file.suffix], headers=_CACHED)


def _script(text: str) -> Response:
    return Response(text, media_type=_TYPES[".js"], headers=_CACHED)
