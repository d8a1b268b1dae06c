"""The real `dvc artifacts get` brings models from our own server, as it does from Studio."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import sample
from tests.real_clients.conftest import Served

DVC = Path(__file__).parents[2] / ".venv-dvc" / "bin" / "dvc"
NOWHERE = "http://127.0.0.1:1"
"""Where DVC would find nothing if it went around the server."""

pytestmark = [pytest.mark.oracle, pytest.mark.servers]


MODELS: dict[str, Any] = sample.expected()["models"]
QUESTIONS: list[Any] = [
    *(
        pytest.param(name, [], model["latest"], id=f"{name}, latest")
        for name, model in MODELS.items()
        if model["latest"] and "problem" not in model["versions"][model["latest"]]
    ),
    pytest.param("dir-model", ["--stage", "prod"], "v0.2.0", id="dir-model, stage"),
    pytest.param("models/churn:churn", ["--rev", "v1.0.0"], "v1.0.0", id="churn, version"),
    pytest.param("models/churn/dvc.yaml:churn", [], "v3.1.0-rc.1", id="churn, by its file"),
]


@pytest.mark.parametrize(("name", "options", "version"), QUESTIONS)
def test_artifacts_get(
    served: Served, tmp_path: Path, name: str, options: list[str], version: str
) -> None:
    before = len(served.git.requests)

    done = dvc(served, tmp_path, "artifacts", "get", served.repository, name, *options)

    files = MODELS[name.replace("/dvc.yaml:", ":")]["versions"][version]["files"]
    assert done.returncode == 0, done.stdout
    assert contents(tmp_path / "got") == {
        file["path"]: sample.object_path(file["url"]).read_bytes() for file in files
    }
    agents = [headers["user-agent"] for _, headers in served.git.requests[before:]]
    assert not [agent for agent in agents if "dulwich" in agent or "libgit2" in agent]


def dvc(served: Served, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the real dvc in `folder`/got, where nothing is."""
    assert DVC.exists(), "Run `make dvc` first"
    (folder / "got").mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DVC_NO_ANALYTICS": "1",
        "AWS_ENDPOINT_URL": NOWHERE,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        **served.environ,
    }
    return subprocess.run(
        [DVC, *words],
        cwd=folder / "got",
        env=environ,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Content by path of every file in `folder`."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
