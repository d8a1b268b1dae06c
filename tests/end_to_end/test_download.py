"""Every model, version and stage of the sample registry, from real servers to a workspace."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests import sample
from tests.end_to_end.conftest import Program
from tests.reference import PROJECT, Answer, Signer
from tests.servers import tampered

UNSERVED = {"local-model": "no signed URL leads to a local remote", "unpushed-model": "no object"}


def cases() -> Iterator[tuple[str, list[str], str]]:
    """Model, options, and the version that the real gto finds for them."""
    for name, model in sample.expected()["models"].items():
        if name in UNSERVED:
            continue
        for version, found in model["versions"].items():
            if version.startswith("v") and "problem" not in found:
                yield name, ["--version", version], version
        for stage, version in model["stages"].items():
            yield name, ["--stage", stage], version
        if model["latest"] and "problem" not in model["versions"][model["latest"]]:
            yield name, [], model["latest"]


CASES = [
    pytest.param(*case, id=" ".join([case[0], *case[1][1:]]) if case[1] else f"{case[0]} latest")
    for case in cases()
]


def contents(name: str, version: str) -> dict[str, bytes]:
    """The files of one version, as DVC itself checked them out."""
    return {
        file["path"]: sample.object_path(file["url"]).read_bytes()
        for file in sample.expected()["models"][name]["versions"][version]["files"]
    }


@pytest.mark.parametrize(("name", "options", "version"), CASES)
def test_download__as_gto_and_dvc_have_it(
    real_program: Program, name: str, options: list[str], version: str
) -> None:
    ran = real_program.run("download-model", "--model", name, *options)

    assert (ran.code, real_program.files()) == (0, contents(name, version)), ran.said


@pytest.mark.parametrize(("name", "options", "version"), CASES)
def test_resolve__digest_and_size_are_dvc_s(
    program: Program, name: str, options: list[str], version: str
) -> None:
    ran = program.run("resolve-model", "--model", name, *options)

    found = sample.expected()["models"][name]["versions"][version]
    size = str(sum(file["size"] for file in found["files"]))
    told = (ran.code, ran.outputs["digest"], ran.outputs["size"])
    assert told == (0, found["digest"], size), ran.said


def test_download__outputs(real_program: Program) -> None:
    ran = real_program.run("download-model", "--model", "dir-model", "--version", "v0.2.0")

    files = sample.expected()["models"]["dir-model"]["versions"]["v0.2.0"]["files"]
    assert {
        "path": "encoder",
        "files": sorted(file["path"] for file in files),
        "file-count": str(len(files)),
        "size": str(sum(file["size"] for file in files)),
        "model": "dir-model",
        "version": "v0.2.0",
        "source": "studio",
        "cached": "false",
        "skipped": "false",
    }.items() <= (ran.outputs | {"files": sorted(ran.outputs["files"])}).items()


def test_download__checksums_are_sha256sum_s(real_program: Program) -> None:
    ran = real_program.run("download-model", "--model", "dir-model")

    subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", ran.outputs["checksums"]], check=True
    )


def test_download__again(program: Program) -> None:
    program.run("download-model", "--model", "dir-model")
    fetched = len(program.server.fetches)

    ran = program.run("download-model", "--model", "dir-model")

    assert (ran.code, ran.outputs["cached"]) == (0, "true"), ran.said
    assert len(program.server.fetches) == fetched


def test_download__one_file_was_changed(program: Program) -> None:
    program.run("download-model", "--model", "dir-model")
    (program.workspace / "encoder/config.json").write_text("{}")
    fetched = len(program.server.fetches)

    program.run("download-model", "--model", "dir-model")

    assert program.files() == contents("dir-model", "v0.10.0")
    assert len(program.server.fetches) == fetched + 1


def test_download__storage_gives_other_bytes(program: Program) -> None:
    (version,) = sample.expected()["models"]["az-model"]["versions"].values()
    (file,) = version["files"]
    program.server.storage_script.extend([Answer(200, b"x" * file["size"])] * 10)

    ran = program.run("download-model", "--model", "az-model", "--retries", "0")

    assert (ran.code, program.files()) == (15, {}), ran.said


def test_download__legacy_text_is_verified_after_dos2unix(real_program: Program) -> None:
    ran = real_program.run("download-model", "--model", "legacy-dir")

    manifest = json.loads((real_program.workspace / ran.outputs["manifest"]).read_text())
    assert {file["path"]: file["verified"] for file in manifest["files"]} == {
        "legacy/dir/empty": "md5",
        "legacy/dir/notes.txt": "md5-dos2unix",
        "legacy/dir/unix.txt": "md5",
        "legacy/dir/weights.bin": "md5",
    }


@pytest.mark.parametrize(
    ("name", "scheme"), [("dir-model", "s3"), ("az-dir", "azure")], ids=["S3", "Azure"]
)
def test_download__tampered_signature(real_program: Program, name: str, scheme: str) -> None:
    sign = real_program.server.studio.signers[scheme]
    real_program.server.studio.signers[scheme] = lambda *asked: tampered(sign(*asked))

    ran = real_program.run("download-model", "--model", name)

    assert (ran.code, real_program.files()) == (13, {}), ran.said


def expired_once(sign: Signer) -> Signer:
    """Signs as if two hours ago the first time that it is asked for an object."""
    fresh: set[str] = set()

    def signer(url: str, moment: datetime, lifetime: timedelta) -> str:
        age = timedelta() if url in fresh else timedelta(hours=2)
        fresh.add(url)
        return sign(url, moment - age, lifetime)

    return signer


@pytest.mark.parametrize(
    ("name", "scheme"), [("dir-model", "s3"), ("az-dir", "azure")], ids=["S3", "Azure"]
)
def test_download__expired_urls_are_renewed(real_program: Program, name: str, scheme: str) -> None:
    signers = real_program.server.studio.signers
    signers[scheme] = expired_once(signers[scheme])

    ran = real_program.run("download-model", "--model", name)

    latest = sample.expected()["models"][name]["latest"]
    assert (ran.code, real_program.files()) == (0, contents(name, latest)), ran.said
    asked = [request.path.rpartition("/")[2] for request in real_program.server.requests]
    assert asked == ["resolve", "get-download-uris", "get-download-uris"]


def test_download__object_that_was_never_pushed(real_program: Program) -> None:
    ran = real_program.run("download-model", "--model", "unpushed-model", "--stage", "prod")

    assert (ran.code, real_program.files()) == (12, {}), ran.said
    assert "unpushed/model.bin" in ran.said


@pytest.mark.parametrize(
    "options",
    [
        ["--model", "gone-model"],
        ["--model", "no-such-model"],
        ["--model", "text-classifier", "--version", "v9.9.9"],
        ["--model", "dir-model", "--stage", "dev"],
        ["--model", "dir-model", "--version", "v0.11.0"],
        ["--model", "old-model", "--version", "v2.0.0"],
    ],
    ids=[
        "deprecated model",
        "unknown model",
        "tag that is not annotated",
        "unassigned stage",
        "deregistered version",
        "version without annotation",
    ],
)
def test_download__not_found(program: Program, options: list[str]) -> None:
    ran = program.run("download-model", *options)

    assert (ran.code, program.files()) == (12, {}), ran.said


def test_download__token_without_the_scope(program: Program) -> None:
    token = program.server.studio.issue_token(PROJECT)

    ran = program.run("download-model", "--model", "az-model", token=token)

    assert (ran.code, token in ran.said) == (11, False), ran.said


def test_download__storage_gets_no_token(program: Program) -> None:
    program.run("download-model", "--model", "dir-model")

    assert program.server.fetches
    assert not [fetch for fetch in program.server.fetches if "authorization" in fetch.headers]


def test_download__no_secret_is_said(program: Program) -> None:
    ran = program.run("download-model", "--model", "dir-model", STUDIO_ACTION_LOG_LEVEL="debug")

    kept = b"".join(
        path.read_bytes() for path in program.workspace.rglob("*") if path.is_file()
    ).decode(errors="replace")
    said = ran.said + json.dumps(dict(ran.outputs)) + kept
    assert not [secret for secret in (program.server.token, "X-Amz-Signature") if secret in said]


def test_download__whether_anything_changed(program: Program) -> None:
    asked = ("download-model", "--model", "dir-model", "--stage", "prod")
    first = program.run(*asked, "--previous-manifest", "none.json").outputs
    again = program.run(*asked, "--previous-manifest", first["manifest"]).outputs
    other = program.run(
        "resolve-model", "--model", "text-classifier", "--previous-digest", first["digest"]
    ).outputs
    assert (first["changed"], again["changed"], other["changed"]) == ("true", "false", "true")
