"""`dry-run` says what a download would do, and leaves the workspace as it is."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Program, Ran
from tests.end_to_end.test_git import checkout, run, served

__all__ = ["checkout", "served"]

PROD = ("--model", "dir-model", "--stage", "prod", "--dest", "m")


def plan(ran: Ran) -> dict[str, Any]:
    found = ran.outputs["plan"]
    return json.loads(found) if isinstance(found, str) else found


def everything(workspace: Path) -> set[str]:
    return {path.relative_to(workspace).as_posix() for path in workspace.rglob("*")}


def test_dry_run__from_studio(program: Program) -> None:
    ran = program.run("download-model", *PROD, "--dry-run")

    assert ran.code == 0, ran.said
    assert everything(program.workspace) == set()
    found = plan(ran)
    assert found["fetch"]["files"] == 6
    assert found["bytes-per-second"] > 0
    assert found["urls-expire"]
    assert (found["fits"], found["urls-expire-too-early"]) == (True, False)
    assert "6 to fetch. To download: " in ran.said
    assert "Free disk space: " in ran.said
    assert (ran.outputs["path"], ran.outputs["manifest"]) == ("m/encoder", "")


def test_dry_run__is_what_the_download_then_does(program: Program) -> None:
    dry = program.run("download-model", *PROD, "--dry-run")
    wet = program.run("download-model", *PROD)

    same = ("files", "file-count", "size", "path", "version", "digest", "cache-key", "cached")
    assert {name: dry.outputs[name] for name in same} == {name: wet.outputs[name] for name in same}


@pytest.mark.parametrize("prune", [True, False])
def test_dry_run__what_is_there_already(program: Program, prune: bool) -> None:
    program.run("download-model", *PROD[:2], "--version", "v0.10.0", "--dest", "m")
    (program.workspace / "m/encoder/config.json").write_text("mine")
    before = program.files()

    ran = program.run("download-model", *PROD, "--dry-run", *["--prune"] * prune)

    assert (ran.code, program.files()) == (0, before), ran.said
    found = plan(ran)
    assert found["replace"]["files"] >= 1
    assert found["remove"]["files"] == prune
    assert ("remove m/encoder/weights/layer 2.bin" in ran.said) is prune

    ran = program.run("download-model", *PROD, *["--prune"] * prune)
    assert ("m/encoder/weights/layer 2.bin" in program.files()) is not prune
    assert ("Removed m/encoder/weights/layer 2.bin" in ran.said) is prune


def test_dry_run__several_models(program: Program, checkout: Path) -> None:
    before = everything(program.workspace)

    ran = run(
        program,
        "download-model",
        "--models=web-model@prod -> a\naz-model@nowhere -> b",
        "--if-not-found=warn",
        "--dry-run",
    )

    assert ran.code == 0, ran.said
    assert everything(program.workspace) == before
    assert [each["model"] for each in plan(ran)["files"]] == ["web-model"]


def test_job_page__what_changed_since_the_last_deploy(program: Program, checkout: Path) -> None:
    """On GitHub, as a step of a workflow would have it."""
    page = program.workspace.parent / "summary.md"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    options = ("download-model", "--model=dir-model", "--dest=m")

    assert run(program, *options, "--version=v0.2.0", **github).code == 0
    page.unlink()
    assert run(program, *options, "--stage=prod", **github).code == 0
    assert "Since the last deploy | the same files" in page.read_text()
    page.unlink()
    ran = run(program, *options, "--version=v0.10.0", **github)

    text = html.unescape(re.sub("<[^>]+>", "", page.read_text()))
    assert ran.code == 0, ran.said
    assert "| Since the last deploy | v0.2.0 → v0.10.0: 1 added" in text
    assert "| added | encoder/weights/layer 2.bin |" in text
    assert re.search(r"\| Registered \| \S.* UTC \|", text)


def test_dry_run__what_would_be_refused_is_refused(program: Program) -> None:
    (program.workspace / "m/encoder").mkdir(parents=True)
    (program.workspace / "m/encoder/config.json").write_text("mine")

    assert program.run("download-model", *PROD, "--dry-run", "--overwrite=false").code == 16
    assert program.run("download-model", "--model=none", "--dry-run").code == 12
