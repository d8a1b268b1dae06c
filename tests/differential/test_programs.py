"""The two programs answer in this process, or in one that goes on, as they do on a command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.differential.comparing import at_place
from tests.differential.differences import added, one, two
from tests.differential.programs import (
    PYTHON,
    Dvc,
    arguments,
    environ_of_dvc,
    environ_of_ours,
    found_at,
    ours,
    words,
)
from tests.differential.project import Ground, Project, Question

pytestmark = pytest.mark.oracle

PROJECTS = [
    added(b"x"),
    added({"a/b": b"1", "c": b""}),
    two(("m#prod#1", 0), asked=Question("m", stage="prod")),
    two(asked=Question("m", "v1.0.0")),
    one({}, asked=Question("m", "v3.0.0")),
]


@pytest.mark.parametrize("project", PROJECTS)
def test_dvc__as_on_a_command_line(
    dvc: Dvc, ground: Ground, tmp_path: Path, project: Project
) -> None:
    (question,) = project.questions
    with at_place(project, ground) as address:
        answer = dvc.get(address, question, tmp_path / "answer")
        command = [PYTHON, "-m", "dvc", *words(address, question, tmp_path / "ran")]
        ran = subprocess.run(command, env=environ_of_dvc(tmp_path / "home"), cwd=tmp_path)

    assert answer.failed == (ran.returncode != 0)
    assert answer == found_at(tmp_path / "ran", "")


@pytest.mark.parametrize("project", PROJECTS)
def test_ours__as_on_a_command_line(ground: Ground, tmp_path: Path, project: Project) -> None:
    (question,) = project.questions
    (tmp_path / "ran").mkdir()
    with at_place(project, ground) as address:
        answer = ours(address, question, tmp_path / "answer", tmp_path)
        program = Path(sys.executable).with_name("studio-action")
        command = [program, *arguments(address, question)]
        ran = subprocess.run(command, env=environ_of_ours(tmp_path), cwd=tmp_path / "ran")

    assert answer.failed == (ran.returncode != 0)
    if not answer.failed:
        outputs = json.loads((tmp_path / "ran/outputs.json").read_text())
        assert answer == found_at(tmp_path / "ran" / outputs["path"], "")
