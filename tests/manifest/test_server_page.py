"""What `docs/server.md` says of the server is what the server has."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.server.run.configuration.form import ConfigurationForm, RepositoryForm
from tests.manifest.tables import rows_below

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/server.md").read_text()
SOURCES = "\n".join(path.read_text() for path in (ROOT / "src/studio_action/server").rglob("*.py"))
ENDPOINTS = [
    name.removeprefix("GET ").removeprefix("POST ") for name in rows_below(PAGE, "Endpoints")
]


def test_entries__all_of_the_file() -> None:
    fields = {*ConfigurationForm.model_fields, *RepositoryForm.model_fields}

    assert set(rows_below(PAGE, "Configuration")) == {name.replace("_", "-") for name in fields}


@pytest.mark.parametrize(
    ("entry", "default"),
    [
        (name, str(ConfigurationForm.model_fields[name.replace("-", "_")].default))
        for name in ("workers", "requests-per-minute", "largest-body")
    ],
)
def test_entries__default(entry: str, default: str) -> None:
    assert rows_below(PAGE, "Configuration")[entry][0] == f"`{default}`"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_endpoint__is_there(endpoint: str) -> None:
    assert f'"{endpoint.partition("?")[0]}"' in SOURCES
