"""The published schemas, and whether the records in a workspace follow them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

DOCS = Path(__file__).parents[1] / "docs"


def schema(name: str) -> dict[str, Any]:
    """A schema of `docs`, e.g. `manifest`."""
    found: dict[str, Any] = json.loads((DOCS / f"{name}.schema.json").read_text())
    return found


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name), validate_formats=True)


def faults(name: str, document: object) -> list[str]:
    """What of a document is not as its schema has it; the place of each fault first."""
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in validator(name).iter_errors(document)
    ]


RECORDS = {"model.json": "manifest", "predicate.json": "predicate"}
"""The schemas of the files of a record."""


def check_records(workspace: Path) -> None:
    """Fail unless every record that lies in the workspace is as its schemas have it."""
    for name, of in RECORDS.items():
        for place in workspace.glob(f".studio-action/*/{name}"):
            assert faults(of, json.loads(place.read_text("utf-8"))) == []
