"""What the client does in a Python as Windows has it is what it does here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio_action.gitrepo.git import programs
from tests.gitrepo.repositories import sample_at
from tests.reference import REPOSITORY, ReferenceServer
from tests.servers.git import git_server

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    outputs: Mapping[str, Any]
    said: str


@dataclass(frozen=True, slots=True)
class Client:
    """The command line in a process of its own, in `folder`."""

    program: tuple[str, ...]
    folder: Path
    server: ReferenceServer

    def run(self, *arguments: str, **environ: str) -> Ran:
        outputs = self.folder / "outputs.json"
        outputs.unlink(missing_ok=True)
        workspace = self.folder / "workspace"
        workspace.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, *self.program, *arguments, f"--output-json={outputs}"],
            cwd=workspace,
            env={
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "HOME": str(self.folder),
                "TMPDIR": str(self.folder),
                "STUDIO_ACTION_REPO": REPOSITORY,
                "DVC_STUDIO_URL": self.server.url,
                "DVC_STUDIO_TOKEN": self.server.token,
                "AWS_ACCESS_KEY_ID": "key",
                "AWS_SECRET_ACCESS_KEY": "secret",
                **environ,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        written = json.loads(outputs.read_text()) if outputs.exists() else {}
        return Ran(done.returncode, written, done.stdout + done.stderr)

    def files(self) -> dict[str, bytes]:
        top = self.folder / "workspace"
        return {
            path.relative_to(top).as_posix(): path.read_bytes()
            for path in top.rglob("*")
            if path.is_file() and ".studio-action" not in path.parts
        }


@pytest.fixture
def there(studio: ReferenceServer, tmp_path: Path) -> Client:
    (tmp_path / "there/bin").mkdir(parents=True)
    (tmp_path / "there/bin/git.exe").symlink_to(shutil.which("git") or "")
    return Client(("-m", "tests.portable.as_on_windows"), tmp_path / "there", studio)


@pytest.fixture
def here(studio: ReferenceServer, tmp_path: Path) -> Client:
    (tmp_path / "here").mkdir()
    return Client(("-c", "from studio_action.cli import main; main()"), tmp_path / "here", studio)


DOWNLOAD = ("download-model", "--model", "dir-model", "--version", "v0.2.0")


def test_a_folder(here: Client, there: Client) -> None:
    ran = there.run(*DOWNLOAD)

    assert ran.code == 0, ran.said
    assert (ran.outputs, there.files()) == (here.run(*DOWNLOAD).outputs, here.files())


def test_a_second_time__over_other_files_and_from_a_cache(there: Client) -> None:
    first = there.run(*DOWNLOAD, "--cache-dir", "cache")
    wanted = there.files()
    name = first.outputs["files"][0]
    (there.folder / "workspace" / name).write_bytes(b"other")
    again = there.run(*DOWNLOAD, "--cache-dir", "cache")

    assert (first.code, again.code) == (0, 0), again.said
    assert there.files() == wanted
    assert again.outputs["cached"] == "true"


def test_a_link_is_not_followed(there: Client) -> None:
    outside = there.folder / "outside"
    outside.mkdir()
    there.run("resolve-model", "--model", "dir-model")
    (there.folder / "workspace/encoder").symlink_to(outside)
    ran = there.run(*DOWNLOAD)

    assert ran.code == 16, ran.said
    assert not list(outside.iterdir())


def test_git_alone(there: Client, here: Client) -> None:
    repository = sample_at(there.folder / "models.git")
    options = ("resolve-model", "--repo", str(repository), "--model", "text-classifier")
    alone = {"DVC_STUDIO_URL": "", "DVC_STUDIO_TOKEN": ""}
    ran, expected = there.run(*options, **alone), here.run(*options, **alone)

    assert (ran.code, ran.outputs.get("source")) == (0, "git"), ran.said
    assert ran.outputs == expected.outputs


def test_git_over_http(there: Client) -> None:
    sample_at(there.folder / "models.git")
    with git_server(there.folder) as server:
        url = f"{server.url}/models.git"
        ran = there.run(
            "resolve-model", "--repo", url, "--model", "text-classifier", "--stage", "prod",
            DVC_STUDIO_URL="", DVC_STUDIO_TOKEN="",
        )  # fmt: skip

    assert (ran.code, ran.outputs.get("source")) == (0, "git"), ran.said


def test_create_project(there: Client) -> None:
    ran = there.run("create-project", "--project-name", "as-on-windows")
    assert (ran.code, bool(ran.outputs["project-url"])) == (0, True), ran.said


@pytest.mark.parametrize("entry", ["", ".", "here", "../here"])
def test_find__in_no_folder_that_a_job_works_in(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    for folder in (tmp_path, tmp_path / "here"):
        (folder / "git").write_text("#!/bin/sh\n")
        (folder / "git").chmod(0o755)
    path = f"{entry}{os.pathsep}{tmp_path / 'nothing'}"

    assert programs.find("git", path) is None
    assert programs.find("git", f"{path}{os.pathsep}{tmp_path / 'here'}")


def test_find__suffixes(tmp_path: Path) -> None:
    for name in ("git.bat", "git.exe"):
        (tmp_path / name).touch(0o755)
    assert programs.find("git", str(tmp_path), (".exe",)) == str(tmp_path / "git.exe")
