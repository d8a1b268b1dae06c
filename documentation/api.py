"""The server's API, as its OpenAPI document has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from studio_action.server.app import create_api
from studio_action.server.run import process
from studio_action.server.settings import ServerSettings

Table = Callable[[Iterable[str], Iterable[Iterable[str]]], str]


def openapi_document() -> dict[str, Any]:
    """Return what a server at the top of its host says of itself; no server runs for that."""
    settings = ServerSettings(Path("/nowhere"), "sqlite:////nowhere/registry.db", ())
    api = create_api(process.make_services(settings, {}))
    routes: dict[str, Any] = {route.path: route for route in api.routes}
    found: dict[str, Any] = json.loads(routes["/api/openapi.json"].endpoint(None).body)
    found["info"]["version"] = "as the server says"  # so that a release changes no page
    return found


def api_table(document: dict[str, Any], table: Table) -> str:
    """Return a section for each endpoint: what it is for, its parameters, its answers."""
    return "\n".join(
        part
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for part in _endpoint(f"{method.upper()} {path}", operation, table)
    )


def _endpoint(name: str, operation: dict[str, Any], table: Table) -> Iterator[str]:
    yield f"### {name}\n\n{operation['summary']}. {operation['description'].strip()}\n"
    parameters = operation.get("parameters", [])
    if parameters:
        yield table(["parameter", "needed", "meaning"], map(_parameter, parameters))
    token = "`Authorization: token …`" if operation.get("security") else "none"
    yield f"Credential: {token}. Answers: {', '.join(sorted(operation['responses']))}.\n"


def _parameter(each: dict[str, Any]) -> Iterator[str]:
    yield f"`{each['name']}`"
    yield "yes" if each.get("required") else "no"
    yield each.get("description", "")
