"""What is required of a version, with source `git`: refused before anything is downloaded."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Program, Ran
from tests.gitrepo.repositories import committed, git, made_at

FILES = {"dvc.yaml": b"artifacts:\n  m:\n    path: m.bin\n", "m.bin": b"model"}
LONG_AGO = "2020-03-01T12:00:00+00:00"


def run(program: Program, repository: Path, *options: str) -> Ran:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    asked = ("--model=m", f"--repo={repository}", *options)
    return program.run("download-model", *asked, **environ, DVC_STUDIO_URL="", DVC_STUDIO_TOKEN="")


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1, of long ago, which Mallory gave the stage prod today."""
    folder = made_at(tmp_path_factory.mktemp("policy") / "made", FILES)
    git(folder, "tag", "-a", "m@v1.0.0", "-m", "x", date=LONG_AGO)
    mallory = f"Mallory <mallory@example.net> {int(time.time())} +0000"
    head = git(folder, "rev-parse", "HEAD")
    made = f"tag m#prod#1\nfrom {head}\ntagger {mallory}\ndata 1\nx\n"
    git(folder, "fast-import", "--quiet", stdin=made)
    git(folder, "tag", "m#dev#1")
    return folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--version=v1.0.0", "--allowed-taggers=*@example.com"], ""),
        (["--version=v1.0.0", "--allowed-taggers=bob@example.com"], "by ada@example.com, who is"),
        (["--stage=prod", "--allowed-taggers=ada@*, bob@*"], "tag m#prod#1 was made by mallory@"),
        (["--stage=prod", "--allowed-taggers=ada@*\n*@example.net"], ""),
        (["--version=v1.0.0", "--max-age=30d"], "tag m@v1.0.0 is"),
        (["--max-age=30d"], "tag m@v1.0.0 is"),
        (["--stage=prod", "--max-age=30d"], ""),
    ],
)
def test_tags(program: Program, tagged: Path, options: list[str], said: str) -> None:
    ran = run(program, tagged, *options)

    assert ran.code == (17 if said else 0), ran.said
    assert said in ran.said
    assert bool(program.files()) is not bool(said)


def test_a_lightweight_tag_is_nobodys(program: Program, tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", FILES, "m@v1.0.0")
    committed(folder, {})
    git(folder, "tag", "m@v2.0.0")

    ran = run(program, folder, "--version=v2.0.0", "--allowed-taggers=*")

    assert ran.code != 0
    assert program.files() == {}
