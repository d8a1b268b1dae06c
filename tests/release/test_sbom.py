"""What is in an image, read from its layers, and its bill of materials."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest
from release import provenance, sbom
from release.contents import ImageContents, Package

SITE = "usr/lib/python3/site-packages"
GIT = (
    "Package: git\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2.39.5-0+deb12u2\n"
)
GONE = "Package: perl\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 5.36\n"
CURL = "Package: libcurl3-gnutls\nArchitecture: amd64\nVersion: 7.88.1\nDescription: a\n b\n"


def metadata(name: str, version: str, more: str = "") -> str:
    return (
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{more}\nText\nName: not this\n"
    )


def layer(files: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return written.getvalue()


def layout(folder: Path, *layers: bytes) -> Path:
    (folder / "blobs/sha256").mkdir(parents=True)

    def blob(content: bytes) -> dict[str, str]:
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs/sha256" / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}"}

    config = {"architecture": "arm64", "config": {"Labels": {"a": "b"}}}
    manifest = {
        "config": blob(json.dumps(config).encode()),
        "layers": [blob(each) for each in layers],
    }
    index = {"manifests": [blob(json.dumps(manifest).encode())]}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture
def contents(tmp_path: Path) -> ImageContents:
    below = layer(
        {
            "var/lib/dpkg/status": f"{GIT}\n{GONE}",
            f"{SITE}/pip-25.dist-info/METADATA": metadata("pip", "25"),
            f"{SITE}/old-1.dist-info/METADATA": metadata("old", "1"),
        }
    )
    ours = layer(
        {
            "./var/lib/dpkg/status.d/libcurl3-gnutls": CURL,
            f"{SITE}/.wh.old-1.dist-info": "",
            f"opt/{SITE}/Some_Thing-2.dist-info/METADATA": metadata(
                "Some_Thing", "2", "License-Expression: MIT OR Apache-2.0\n"
            ),
            "opt/tests/METADATA": metadata("no", "1"),
        }
    )
    return ImageContents.read(layout(tmp_path / "layout", below, ours))


def test_contents(contents: ImageContents) -> None:
    assert contents.architecture == "arm64"
    assert contents.labels == {"a": "b"}
    assert contents.packages == (
        Package("deb", "git", "1:2.39.5-0+deb12u2", "amd64"),
        Package("deb", "libcurl3-gnutls", "7.88.1", "amd64"),
        Package("pypi", "Some_Thing", "2", licence="MIT OR Apache-2.0"),
        Package("pypi", "pip", "25"),
    )


def test_contents__a_layer_hides_a_whole_folder(tmp_path: Path) -> None:
    below = layer({f"{SITE}/pip-25.dist-info/METADATA": metadata("pip", "25")})

    found = ImageContents.read(layout(tmp_path, below, layer({f"{SITE}/.wh..wh..opq": ""})))

    assert found.packages == ()


def bill(contents: ImageContents) -> str:
    return sbom.bill_of_materials(
        contents,
        image="ghcr.io/acme/step",
        digest=f"sha256:{1:064x}",
        version="1.2.3",
        made=datetime(2026, 2, 3, tzinfo=timezone.utc),
    )


def test_bill__is_valid_and_the_same_each_time(contents: ImageContents) -> None:
    text = bill(contents)

    assert list(sbom.faults(text)) == []
    assert bill(contents) == text


def test_bill__names_packages_as_scanners_do(contents: ImageContents) -> None:
    told = json.loads(bill(contents))

    assert {each["purl"] for each in told["components"]} == {
        "pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u2?arch=amd64",
        "pkg:deb/debian/libcurl3-gnutls@7.88.1?arch=amd64",
        "pkg:pypi/some-thing@2",
        "pkg:pypi/pip@25",
    }
    assert told["metadata"]["component"]["purl"].startswith("pkg:oci/step@sha256:")


def test_bill__a_fault_is_found(contents: ImageContents) -> None:
    told = json.loads(bill(contents))
    told["components"][0]["type"] = "a thing"

    assert list(sbom.faults(json.dumps(told)))


def test_provenance__is_read_by_the_library_of_the_format() -> None:
    statement = pytest.importorskip("in_toto_attestation.v1.statement")
    said = provenance.statement(
        {"a.whl": f"{1:064x}"},
        source="https://github.com/a/b",
        revision=f"{2:040x}",
        builder="urn:x",
    )

    read = statement.Statement.copy_from_pb(_message(said))
    read.validate()

    assert read.pb.predicate_type == "https://slsa.dev/provenance/v1"
    assert said["predicate"]["buildDefinition"]["resolvedDependencies"][0] == {
        "uri": "git+https://github.com/a/b",
        "digest": {"gitCommit": f"{2:040x}"},
    }


def _message(said: object) -> object:
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2

    return json_format.ParseDict(said, statement_pb2.Statement())
