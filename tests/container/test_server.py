"""The image's target `server`: as anybody, on a read-only root, stopped as Docker stops."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import requests

from tests import sample
from tests.container.engine import ROOT, Image, answer
from tests.servers.process import free_ports, until_ready

ANYBODY = (4321, 8765)


@pytest.fixture(scope="module")
def server_image() -> Image:
    """The image as `docker build --target server .` makes it."""
    name = "studio-action-server:test"
    answer("build", "--target=server", "--tag", name, str(ROOT))
    return Image(name, "")


def test_server_image__runs_as_anybody_and_ends_well(server_image: Image, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    repository, data = tmp_path / "models.git", tmp_path / "data"
    clone = ["git", "clone", "--quiet", "--bare", str(sample.BUNDLE), str(repository)]
    subprocess.run(clone, check=True)
    data.mkdir()
    os.chown(data, *ANYBODY)
    options = (
        f"--user={ANYBODY[0]}:{ANYBODY[1]}",
        "--read-only",
        "--tmpfs=/tmp",
        f"--volume={repository}:/models.git:ro",
        f"--volume={data}:/data",
    )
    serve = ("serve", f"--port={port}", "--repository=acme/models=/models.git")

    with server_image.running(*serve, options=options) as container:
        until_ready(f"http://127.0.0.1:{port}/readyz")
        refused = requests.get(f"http://127.0.0.1:{port}/api/model-registry/models", timeout=5)
        answer("stop", container)
        code = answer("wait", container)

    assert refused.status_code == 401
    assert code == "0"
    assert {(path.stat().st_uid, path.stat().st_gid) for path in data.rglob("*")} == {ANYBODY}


def test_server_image__knows_whether_it_is_well(server_image: Image) -> None:
    check = answer("image", "inspect", "--format={{.Config.Healthcheck.Test}}", server_image.name)

    assert "/healthz" in check
