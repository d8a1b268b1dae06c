"""What a newcomer pastes first gives a model: in an empty folder, with one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import public
from tests.differential.conftest import ground as ground
from tests.differential.project import Ground, put
from tests.documentation.blocks import ROOT, Block, of_kind
from tests.documentation.shell import commands_in

PUBLIC = "https://github.com/iterative/example-get-started"
PROGRAM = Path(sys.executable).with_name("studio-action")
FIRST = [block for block in of_kind("shell", "python") if PUBLIC in block.text]
WITH_PYTHON = [block for block in FIRST if "docker run" not in block.text]


@pytest.fixture(scope="module")
def repository(ground: Ground) -> str:
    """A repository like DVC's Get Started, on loopback."""
    return put(public.project("get-started"), ground, "started").url


@pytest.fixture
def newcomer(tmp_path: Path) -> Path:
    """An empty folder, beside the programs that install ours: each of them runs this one."""
    programs = tmp_path / "bin"
    programs.mkdir()
    runs = f'#!/bin/sh\nshift\nexec "{PROGRAM}" "$@"\n'
    made = {"uvx": runs, "studio-action": f'#!/bin/sh\nexec "{PROGRAM}" "$@"\n'}
    for name, text in made.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def follow(block: Block, repository: str, folder: Path) -> str:
    """Run what a page says; return what is on standard output."""
    text = block.text.replace(PUBLIC, repository)
    # What a machine would install is here: the virtual environment has the program already.
    text = "\n".join(
        line for line in text.splitlines() if " -m venv" not in line and "pip " not in line
    )
    text = text.replace(".venv/bin/studio-action", "studio-action")
    path = f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    words = [sys.executable, "-c"] if block.kind == "python" else ["bash", "-euc"]
    done = subprocess.run(
        [*words, text],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", WITH_PYTHON, ids=str)
def test_first_command__gives_the_model(block: Block, repository: str, newcomer: Path) -> None:
    said = follow(block, repository, newcomer)

    assert (newcomer / "model/model.pkl").is_file()
    assert (said.split() if block.kind == "python" else json.loads(said)["path"].split())[-1] == (
        "model/model.pkl"
    )


def test_first_command__with_docker_is_the_same() -> None:
    readme = [block for block in FIRST if block.page == ROOT / "README.md"]
    docker, python = (next(iter(commands_in(block.text))) for block in readme)

    assert docker == python


def test_first_command__is_where_people_start() -> None:
    pages = {block.page.relative_to(ROOT).as_posix() for block in FIRST}

    assert pages == {"README.md", "docs/start/docker.md", "docs/start/python.md"}
