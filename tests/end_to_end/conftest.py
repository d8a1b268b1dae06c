"""The real program in a workspace, in front of the reference server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio_action import cli
from tests.reference import REPOSITORY, ReferenceServer


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run left: its exit code, its outputs and what it said."""

    code: int
    outputs: Mapping[str, Any]
    said: str


@dataclass(frozen=True, slots=True)
class Program:
    """The program with its token in the environment, and the workspace as current folder."""

    server: ReferenceServer
    workspace: Path
    capfd: pytest.CaptureFixture[str]

    def run(self, command: str, *options: str, token: str = "", **environ: str) -> Ran:
        """Run `command` about the sample repository in this process."""
        outputs = self.workspace.parent / "outputs.json"
        arguments = [command, f"--output-json={outputs}", *options]
        variables = {
            "STUDIO_ACTION_REPO": REPOSITORY,
            "DVC_STUDIO_URL": self.server.url,
            "DVC_STUDIO_TOKEN": token or self.server.token,
            **environ,
        }
        code = cli.run(arguments, variables)
        written = json.loads(outputs.read_text()) if outputs.exists() else {}
        return Ran(code, written, "".join(self.capfd.readouterr()))

    def files(self) -> dict[str, bytes]:
        """Content by path of all that lies in the workspace, the program's own folder apart."""
        return {
            path.relative_to(self.workspace).as_posix(): path.read_bytes()
            for path in self.workspace.rglob("*")
            if path.is_file() and ".studio-action" not in path.parts
        }


@pytest.fixture
def program(studio: ReferenceServer, workspace: Path, capfd: pytest.CaptureFixture[str]) -> Program:
    """The program before an API that serves the objects by itself."""
    return Program(studio, workspace, capfd)


@pytest.fixture
def real_program(
    real_studio: ReferenceServer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> Program:
    """The program before an API whose URLs lead to real S3, Azure and HTTP servers."""
    return Program(real_studio, workspace, capfd)
