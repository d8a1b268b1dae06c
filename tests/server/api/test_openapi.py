"""The OpenAPI document is true: schemathesis asks all that it allows, and much that it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import positive_data_acceptance

from studio_action.server.app import create_api
from studio_action.server.run import process
from studio_action.server.settings import ServerSettings
from tests.server.sample_registry import ADDRESS, Registry, registry

BOTH = {"version", "stage"}
"""Which exclude each other, as OpenAPI cannot say of a query."""


def document() -> dict[str, Any]:
    """What the server says of itself; nothing is asked for that."""
    settings = ServerSettings(Path("/nowhere"), "sqlite:////nowhere/registry.db", ())
    api = create_api(process.make_services(settings, {}))
    routes: dict[str, Any] = {route.path: route for route in api.routes}
    found: dict[str, Any] = json.loads(routes["/api/openapi.json"].endpoint(None).body)
    return found


schema = schemathesis.openapi.from_dict(document())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("registry"), webhook_secret="for-hooks") as server:
        yield server


@schema.parametrize()
@hypothesis.settings(max_examples=50, deadline=None, derandomize=True)
def test_api__is_as_described(case: schemathesis.Case, server: Registry) -> None:
    case.call_and_validate(
        base_url=server.url,
        headers={"Authorization": f"token {server.token}"},
        excluded_checks=not_for(case),
    )


def not_for(case: schemathesis.Case) -> list[CheckFunction]:
    """What cannot be asked of a case that the document allows, and that is refused in words."""
    both = set(case.query or {}) >= BOTH
    body = case.body if isinstance(case.body, dict) else {}
    not_served = "repo_url" in body and body["repo_url"] != ADDRESS
    return [positive_data_acceptance] if both or not_served else []
