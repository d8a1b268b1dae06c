"""A bill of materials is CycloneDX's, by its own schema and library, and a package URL one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import ComponentType
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from studio_action.model.artifact import ArtifactRef, AtStage, ModelName, Resolution
from studio_action.model.plan import Filters
from studio_action.model.signed_tag import SignedTag
from studio_action.outputs import manifest, ml_bom
from studio_action.outputs.manifest import Download
from studio_action.signature.policy import SignedBy
from tests.outputs.test_attestation import DOCUMENT, DOWNLOAD, MD5, record

SERVER = "https://github.com"
COMMIT = DOWNLOAD.resolution.revision


def made(download: Download = DOWNLOAD) -> dict[str, Any]:
    text = ml_bom.document(download, DOCUMENT, SERVER)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def of(repository: str, model: ModelName, version: str = "v2.0.0") -> Resolution:
    return replace(DOWNLOAD.resolution, artifact=ArtifactRef(repository, model), version=version)


def test_document__is_read_by_cyclonedx() -> None:
    bom = Bom.from_json(made())  # type: ignore[attr-defined]

    (model,) = bom.components
    assert model.type is ComponentType.MACHINE_LEARNING_MODEL
    assert (model.name, model.version) == ("churn", "v2.0.0")
    assert [each.name for each in model.components] == ["churn/a.bin", "churn/b c.txt"]
    assert str(bom.metadata.timestamp) == "2026-01-02 01:04:07.178000+00:00"


def test_document__the_model() -> None:
    [model] = made()["components"]
    assert model["purl"] == (
        f"pkg:generic/churn@v2.0.0?vcs_url=git%2Bhttps://github.com/acme/models.git%40{COMMIT}"
    )
    assert model["externalReferences"] == [
        {
            "type": "vcs",
            "url": "https://github.com/acme/models.git",
            "comment": f"commit {COMMIT}",
        }
    ]
    assert "hashes" not in model
    assert {each["name"]: each["value"] for each in model["properties"]} == {
        "studio-action:requested": "stage prod",
        "studio-action:stage": "prod",
        "studio-action:tag": "churn@v2.0.0",
        "studio-action:revision": COMMIT,
        "studio-action:source": "git",
        "studio-action:digest": f"md5:{MD5}.dir",
        "studio-action:path": "out/churn",
    }


def test_document__its_files() -> None:
    [first, second] = made()["components"][0]["components"]
    file = DOWNLOAD.files[0]
    assert first["hashes"] == [
        {"alg": "MD5", "content": file.md5},
        {"alg": "SHA-256", "content": file.sha256},
    ]
    assert {each["name"]: each["value"] for each in second["properties"]} == {
        "studio-action:size": "7",
        "studio-action:verified": "length",
        "studio-action:origin": "storage",
        "studio-action:path": "out/churn/b c.txt",
    }


def test_document__a_model_of_one_file_has_its_hashes() -> None:
    file = record("churn.bin")
    resolution = replace(DOWNLOAD.resolution, root="churn.bin")
    [model] = made(replace(DOWNLOAD, resolution=resolution, files=(file,)))["components"]
    assert model["hashes"] == model["components"][0]["hashes"]


def test_document__what_is_not_known_is_left_out() -> None:
    known = DOWNLOAD.resolution
    unknown = Resolution(known.artifact, AtStage("prod"), "studio", ())
    [model] = made(replace(DOWNLOAD, resolution=unknown, digest=None))["components"]
    assert "version" not in model
    assert model["purl"] == ("pkg:generic/churn?vcs_url=git%2Bhttps://github.com/acme/models.git")
    assert model["externalReferences"] == [
        {"type": "vcs", "url": "https://github.com/acme/models.git"}
    ]


def test_document__who_signed() -> None:
    signed = SignedBy("sigstore", "ada@example.com", "https://issuer", "model.sig", "c" * 64)
    tag = SignedTag("churn@v2.0.0", "ssh", "bob@example.com", "SHA256:ab")
    resolution = replace(DOWNLOAD.resolution, signed_tags=(tag,))
    [model] = made(replace(DOWNLOAD, signatures=(signed,), resolution=resolution))["components"]
    names = {each["name"]: each["value"] for each in model["properties"]}
    assert names["studio-action:signers"] == "ada@example.com, by https://issuer"
    assert names["studio-action:tag-signers"] == "churn@v2.0.0: bob@example.com (SHA256:ab)"


@pytest.mark.parametrize(
    ("filters", "aggregate"), [(Filters(), "complete"), (Filters(("*.bin",)), "incomplete")]
)
def test_document__whether_all_files_are_there(filters: Filters, aggregate: str) -> None:
    [composition] = made(replace(DOWNLOAD, filters=filters))["compositions"]
    assert composition == {"aggregate": aggregate, "assemblies": ["model"]}


def test_document__the_serial_number_is_the_records() -> None:
    other = manifest.document(replace(DOWNLOAD, seconds=2.0))
    assert made() == made()
    assert (
        made()["serialNumber"]
        != json.loads(ml_bom.document(DOWNLOAD, other, SERVER))["serialNumber"]
    )


@pytest.mark.parametrize(
    ("repository", "url"),
    [
        ("acme/models", "https://github.com/acme/models.git"),
        ("https://gitlab.com/acme/ml/models", "https://gitlab.com/acme/ml/models.git"),
        ("git@github.com:acme/models.git", "ssh://git@github.com/acme/models.git"),
        ("ssh://git@host:2222/acme/models", "ssh://git@host:2222/acme/models"),
        ("/builds/acme/models", ""),
    ],
)
def test_vcs_url(repository: str, url: str) -> None:
    assert ml_bom.vcs_url(repository, SERVER) == url
    made(replace(DOWNLOAD, resolution=of(repository, ModelName("churn"))))


NAMES = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-/_]{0,8}[a-zA-Z0-9])?", fullmatch=True)
FOLDERS = st.sampled_from(["", "models", "a.b/c_d", "x/y"])


@given(NAMES, FOLDERS, st.sampled_from(["", "v1.0.0", "v1.0.0-rc.1+gpu.2"]))
def test_package_url__is_one(name: str, folder: str, version: str) -> None:
    resolution = of("https://github.com/acme/models", ModelName(name, folder), version)
    url = ml_bom.package_url(resolution, "https://github.com/acme/models.git")

    read = PackageURL.from_string(url)
    assert read.version == (version or None)
    assert f"{read.namespace or ''}/{read.name}".strip("/") == "/".join(
        part for part in f"{folder}/{name}".split("/") if part
    )
    qualifiers = read.qualifiers
    assert isinstance(qualifiers, dict)
    assert qualifiers["vcs_url"] == f"git+https://github.com/acme/models.git@{COMMIT}"
    assert PackageURL.from_string(read.to_string()) == read
