"""The manifest and its published schema say the same; `schemas.check_records` sees real ones."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

import pytest

from studio_action.download.base import Origin, Verified
from studio_action.model.artifact import ArtifactRef, AtStage, ModelName, Resolution, SourceName
from studio_action.model.digest import Digest
from studio_action.model.plan import Filters
from studio_action.model.signed_tag import SignatureKind, SignedTag
from studio_action.outputs import manifest
from studio_action.outputs.manifest import Download, FileRecord
from tests import schemas

SCHEMA = schemas.schema("manifest")
FILE = SCHEMA["$defs"]["file"]
SIGNED_TAG = SCHEMA["$defs"]["signed_tag"]
DOWNLOAD = Download(
    Resolution(
        ArtifactRef("acme/models", ModelName("churn")),
        AtStage("prod"),
        "git",
        (),
        signed_tags=(SignedTag("churn@v1.0.0", "ssh", "ada@example.com", "SHA256:" + "A" * 43),),
    ),
    "model",
    Digest("md5", "0" * 32 + ".dir"),
    Filters(("*.bin",)),
    (FileRecord("model/a.bin", "a.bin", 2, "0" * 32, "1" * 64, "md5", "storage"),),
    2,
    datetime(2026, 1, 2, tzinfo=timezone.utc),
    0.25,
)


def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manifest.document(DOWNLOAD))
    return found


def test_document__is_as_its_schema_has_it() -> None:
    assert schemas.faults("manifest", written()) == []


@pytest.mark.parametrize(
    "at", [(), ("files", 0), ("signed_tags", 0)], ids=["head", "file", "signed tag"]
)
@pytest.mark.parametrize("change", ["more", "less"])
def test_document__a_field_without_its_schema_is_noticed(
    at: tuple[str | int, ...], change: str
) -> None:
    document = written()
    changed: Any = document
    for step in at:
        changed = changed[step]
    for name in ["added"] if change == "more" else list(changed):
        former = dict(changed)
        changed.pop(name, None) if change == "less" else changed.update({name: ""})
        assert schemas.faults("manifest", document), name
        changed.clear()
        changed.update(former)


def test_document__names_the_schema() -> None:
    assert written()["schema"] == SCHEMA["$id"] == SCHEMA["properties"]["schema"]["const"]


def test_schema__has_the_words_of_the_program() -> None:
    assert SCHEMA["properties"]["source"]["enum"] == list(get_args(SourceName))
    assert FILE["properties"]["verified"]["enum"] == list(get_args(Verified))
    assert FILE["properties"]["origin"]["enum"] == list(get_args(Origin))
    assert SIGNED_TAG["properties"]["kind"]["enum"] == list(get_args(SignatureKind))
    assert SIGNED_TAG["required"] == [each.name for each in fields(SignedTag)]
    assert FILE["required"] == [each.name for each in fields(FileRecord)]


@pytest.mark.parametrize("part", [SCHEMA, FILE, SIGNED_TAG], ids=["head", "file", "signed tag"])
def test_schema__explains_and_requires_every_field(part: dict[str, Any]) -> None:
    assert part["required"] == list(part["properties"])
    assert all(each["description"] for each in part["properties"].values())
    assert part["additionalProperties"] is False


def test_check_records(tmp_path: Path) -> None:
    folder = tmp_path / ".studio-action/churn"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(manifest.document(DOWNLOAD))
    schemas.check_records(tmp_path)
    (folder / "model.json").write_text("{}")
    with pytest.raises(AssertionError):
        schemas.check_records(tmp_path)
