"""Statements are what in-toto, sigstore and `actions/attest` read, and say what was downloaded."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from studio_action import __version__
from studio_action.ci.job import Job
from studio_action.model.artifact import ArtifactRef, AtStage, ModelName, Resolution
from studio_action.model.digest import Digest
from studio_action.model.plan import Filters
from studio_action.model.signed_tag import SignedTag
from studio_action.outputs import attestation, manifest
from studio_action.outputs.attestation import Attestation, attest
from studio_action.outputs.manifest import Download, FileRecord
from studio_action.signature.policy import SignedBy
from tests import schemas

JOB = Job(
    "github", Path("/w"), "https://github.com/acme/deploy", revision="dada", url="https://x/1"
)
MD5 = "0" * 32


def record(name: str, verified: Any = "md5") -> FileRecord:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return FileRecord(f"out/{name}", name, 7, MD5, sha256, verified, "storage")


DOWNLOAD = Download(
    Resolution(
        ArtifactRef("https://github.com/acme/models", ModelName("churn")),
        AtStage("prod"),
        "git",
        (),
        version="v2.0.0",
        stage="prod",
        tag="churn@v2.0.0",
        revision="c0ffee" * 6 + "c0ff",
    ),
    "out/churn",
    Digest("md5", f"{MD5}.dir"),
    Filters(),
    (record("churn/a.bin"), record("churn/b c.txt", "length")),
    14,
    datetime(2026, 1, 2, 3, 4, 5, 678_000, timezone(timedelta(hours=2))),
    1.5,
)
DOCUMENT = manifest.document(DOWNLOAD)


def of(download: Download, job: Job = JOB) -> Attestation:
    return attest(download, DOCUMENT, job)


def statement(download: Download) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(of(download).statement)
    return found


def many(count: int, name: str = "churn/{}.bin") -> Download:
    return replace(DOWNLOAD, files=tuple(record(name.format(each)) for each in range(count)))


def test_predicate() -> None:
    assert json.loads(of(DOWNLOAD).predicate) == {
        "repository": "https://github.com/acme/models",
        "model": "churn",
        "requested": "stage prod",
        "version": "v2.0.0",
        "stage": "prod",
        "tag": "churn@v2.0.0",
        "commit": "c0ffee" * 6 + "c0ff",
        "source": "git",
        "digest": f"md5:{MD5}.dir",
        "verification": {"md5": 1, "length": 1},
        "files": [
            {
                "name": each.source_path,
                "path": each.path,
                "size": 7,
                "verified": each.verified,
                "origin": "storage",
            }
            for each in DOWNLOAD.files
        ],
        "manifest": {
            "name": "model.json",
            "digest": {"sha256": hashlib.sha256(DOCUMENT.encode()).hexdigest()},
        },
        "startedOn": "2026-01-02T01:04:05.678Z",
        "finishedOn": "2026-01-02T01:04:07.178Z",
        "tool": {"name": "studio-action", "version": __version__},
        "job": {
            "system": "github",
            "url": "https://x/1",
            "repository": "https://github.com/acme/deploy",
            "commit": "dada",
        },
    }


def test_statement__has_the_predicate_and_the_subjects() -> None:
    made = of(DOWNLOAD)
    found = json.loads(made.statement)
    assert found["predicate"] == json.loads(made.predicate)
    assert made.subjects.splitlines() == [
        f"{each['digest']['sha256']}  {each['name']}" for each in found["subject"]
    ]
    assert [each["name"] for each in found["subject"]] == ["churn/a.bin", "churn/b c.txt"]


def test_predicate__what_is_not_known_is_left_out() -> None:
    known = DOWNLOAD.resolution
    unknown = Resolution(known.artifact, known.selector, "studio", ())
    made = of(replace(DOWNLOAD, resolution=unknown, digest=None), Job("generic", Path("/w")))

    predicate = json.loads(made.predicate)
    assert schemas.faults("predicate", predicate) == []
    assert not {"version", "stage", "tag", "commit", "digest"} & predicate.keys()
    assert predicate["job"] == {"system": "generic"}


def test_predicate__who_signed_the_model() -> None:
    by_key = SignedBy("key", "sha256:ab", "", "churn/model.sig", "c" * 64)
    bundle = {"name": "churn/model.sig", "digest": {"sha256": "c" * 64}}
    for signed, told in {
        by_key: {"method": "key", "signer": "sha256:ab", "bundle": bundle},
        replace(by_key, method="sigstore", issuer="https://i"): {
            "method": "sigstore",
            "signer": "sha256:ab",
            "issuer": "https://i",
            "bundle": bundle,
        },
    }.items():
        predicate = statement(replace(DOWNLOAD, signatures=(signed,)))["predicate"]
        assert predicate["signatures"] == [told]
        assert schemas.faults("predicate", predicate) == []


def test_predicate__who_signed_the_tags() -> None:
    signed = SignedTag("churn@v2.0.0", "ssh", "ada@example.com", "SHA256:ab")
    resolution = replace(DOWNLOAD.resolution, signed_tags=(signed,))
    predicate = statement(replace(DOWNLOAD, resolution=resolution))["predicate"]
    assert predicate["signedTags"] == [
        {"tag": "churn@v2.0.0", "kind": "ssh", "signer": "ada@example.com", "key": "SHA256:ab"}
    ]
    assert schemas.faults("predicate", predicate) == []


def test_predicate__a_field_without_its_schema_is_noticed() -> None:
    predicate = json.loads(of(DOWNLOAD).predicate)
    assert schemas.faults("predicate", predicate) == []
    for part in (predicate, predicate["job"], predicate["files"][0], predicate["manifest"]):
        part["added"] = "x"
        assert schemas.faults("predicate", predicate)
        del part["added"]


def test_schema__explains_every_entry() -> None:
    explained = schemas.schema("predicate")["properties"]
    assert all(each["description"] for each in explained.values())
    page = (schemas.DOCS / "attestation.md").read_text()
    assert [name for name in explained if f"`{name}`" not in page] == []


def test_predicate_type__is_the_schemas() -> None:
    assert schemas.schema("predicate")["$id"] == attestation.PREDICATE_TYPE


@pytest.mark.parametrize("download", [DOWNLOAD, many(1025)], ids=["files", "a list of files"])
def test_statement__is_in_totos(download: Download) -> None:
    from google.protobuf import json_format
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Message

    message = json_format.ParseDict(statement(download), Message())  # refuses unknown fields
    read = Statement.copy_from_pb(message)
    read.validate()
    assert read.pb.predicate_type == attestation.PREDICATE_TYPE


def test_statement__is_sigstores() -> None:
    from sigstore.dsse import Statement

    Statement(of(DOWNLOAD).statement.encode())


def test_subjects__as_many_as_verifiers_read() -> None:
    assert len(statement(many(1024))["subject"]) == 1024


@pytest.mark.parametrize(
    "download", [many(1025), many(1000, "churn/" + "n" * 600 + "{}")], ids=["many", "long"]
)
def test_subjects__of_too_many_files_the_list(download: Download) -> None:
    sums = manifest.checksums(download.files).encode()
    assert statement(download)["subject"] == [
        {"name": "SHA256SUMS", "digest": {"sha256": hashlib.sha256(sums).hexdigest()}}
    ]


def test_files__of_too_many_the_number_is_told() -> None:
    predicate = statement(many(1025))["predicate"]
    assert predicate["verification"] == {"md5": 1025}
    assert "files" not in predicate
    assert schemas.faults("predicate", predicate) == []


def test_subjects__as_actions_attest_reads_them() -> None:
    """Its rule: a digest, a space, a flag that is dropped, and the rest of the line is the name."""
    lines = re.split(r"\r?\n", of(DOWNLOAD).subjects)[:-1]
    read = [(name[1:], digest) for digest, _, name in (line.partition(" ") for line in lines)]
    assert read == [(each.source_path, each.sha256) for each in DOWNLOAD.files]
    assert {len(digest) for _, digest in read} == {64}
