"""No way back by accident: a real repository whose stage and tags move between two runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Program, Ran
from tests.gitrepo.repositories import committed, git, made_at
from tests.reference import REPOSITORY

YAML = {"dvc.yaml": b"artifacts: {m: {path: m.bin}}\n"}


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A repository with three versions, of which the second is `prod`."""
    folder = made_at(tmp_path / "made", {**YAML, "m.bin": b"first"}, "m@v1.0.0")
    committed(folder, {"m.bin": b"second"}, "m@v2.0.0", "m#prod#1")
    committed(folder, {"m.bin": b"third"}, "m@v3.0.0-rc.1")
    return folder


def run(program: Program, registry: Path, *options: str, command: str = "download-model") -> Ran:
    without = {"DVC_STUDIO_URL": "", "DVC_STUDIO_TOKEN": ""}
    here = {"STUDIO_ACTION_REPO": str(registry), "PATH": os.environ["PATH"]}
    return program.run(command, "--model=m", *options, **here, **without)


@pytest.fixture
def last(program: Program, registry: Path) -> str:
    """The option that names the manifest of a first run."""
    first = run(program, registry, "--stage=prod", "--not-older-than=none.json")
    assert (first.code, first.outputs["version"]) == (0, "v2.0.0"), first.said
    assert "'none.json' does not exist: treated as a first run" in first.said
    kept = Path("last.json")
    kept.write_text(Path(first.outputs["manifest"]).read_text())
    Path("m.bin").unlink()
    return f"--not-older-than={kept}"


def assign(registry: Path, commit: str) -> None:
    git(registry, "tag", "-a", "m#prod#2", commit, "-m", "later", date="2026-03-02T12:00:00+00:00")


def test_the_same_again_and_a_newer_one(program: Program, registry: Path, last: str) -> None:
    assert run(program, registry, "--stage=prod", last).code == 0
    assert run(program, registry, last).outputs["version"] == "v3.0.0-rc.1"


@pytest.mark.parametrize("command", ["download-model", "resolve-model"])
def test_an_older_one(program: Program, registry: Path, last: str, command: str) -> None:
    assign(registry, "m@v1.0.0^{}")

    ran = run(program, registry, "--stage=prod", last, command=command)

    assert ran.code == 17, ran.said
    assert "is v1.0.0, which is older than v2.0.0 in the earlier manifest" in ran.said
    assert not Path("m.bin").exists()


@pytest.mark.parametrize(("rollback", "said"), [("warn", True), ("allow", False)])
def test_an_older_one_on_purpose(
    program: Program, registry: Path, last: str, rollback: str, said: bool
) -> None:
    assign(registry, "m@v1.0.0^{}")

    ran = run(program, registry, "--stage=prod", last, f"--rollback={rollback}")

    assert (ran.code, ran.outputs["version"]) == (0, "v1.0.0"), ran.said
    assert ("warning: the stage prod of m of" in ran.said) is said
    assert Path("m.bin").read_bytes() == b"first"


@pytest.mark.parametrize("rollback", ["refuse", "allow"])
def test_a_tag_that_moved(program: Program, registry: Path, last: str, rollback: str) -> None:
    git(registry, "tag", "-f", "-a", "m@v2.0.0", "m@v1.0.0^{}", "-m", "moved")

    ran = run(program, registry, "--version=v2.0.0", last, f"--rollback={rollback}")

    assert ran.code == 17, ran.said
    assert "m@v2.0.0 of m of" in ran.said
    assert "was moved: it was commit" in ran.said
    assert not Path("m.bin").exists()


def test_a_commit_that_is_no_version(program: Program, registry: Path, last: str) -> None:
    committed(registry, {"m.bin": b"unregistered"})
    assign(registry, "HEAD")
    ran = run(program, registry, "--stage=prod", last)
    assert ran.code == 17, ran.said
    assert "as a version with GTO, or give rollback: allow" in ran.said


def test_a_manifest_of_another_model(program: Program, registry: Path, last: str) -> None:
    ran = run(program, registry, "--model=other", last)
    assert ran.code == 10, ran.said
    assert "the manifest is of m of" in ran.said


@pytest.mark.parametrize(
    ("options", "code"),
    [(["--stage=prod"], 17), (["--version=v3.0.0-rc.1"], 17), ([], 17), (["--version=>=3"], 12)],
)
def test_minimum_version(program: Program, registry: Path, options: list[str], code: int) -> None:
    ran = run(program, registry, "--minimum-version=v3.0.0", *options)
    assert ran.code == code, ran.said


def test_studio_alone_cannot_tell(program: Program) -> None:
    asked = ("download-model", "--model", "text-classifier")
    first = program.run(*asked, "--stage=prod")
    last = f"--not-older-than={first.outputs['manifest']}"

    again = program.run(*asked, "--stage=prod", last)
    other = program.run(*asked, "--version=v2.0.0", last)
    floor = program.run(*asked, "--stage=prod", "--minimum-version=v0.1.0")

    assert (first.code, again.code, other.code, floor.code) == (0, 0, 17, 17), other.said
    assert (
        f"of text-classifier of {REPOSITORY} may be older. If v2.0.0 is the newer one" in other.said
    )
    assert "Give a git-token that may read the repository's tags" in floor.said
