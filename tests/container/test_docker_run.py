"""The main job by plain `docker run`, whoever runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.container import expected
from tests.container.engine import OWNER, ROOT, Image, answer, docker
from tests.fakes import md5
from tests.gitrepo.repositories import made_at
from tests.reference.server import ReferenceServer

AS_OWNER = "--user={}:{}".format(*OWNER)


NOBODY = "--user=12345:12345"
"""Who has a name neither in the image nor in the workspace."""


def environ_of(studio: ReferenceServer) -> dict[str, str]:
    return {"DVC_STUDIO_URL": studio.url, "DVC_STUDIO_TOKEN": studio.token}


def arguments(model: str) -> list[str]:
    return ["--repo=acme/models", f"--model={model}", "--stage=prod", "--dest=model"]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="root"),
        pytest.param((AS_OWNER,), id="owner"),
        pytest.param((AS_OWNER, "--read-only", "--cap-drop=ALL"), id="least privilege"),
        pytest.param(("--read-only", "--env=HOME="), id="root, read-only, no HOME"),
    ],
)
def test_docker_run__whole_model_belongs_to_the_owner_of_the_workspace(
    image: Image, studio: ReferenceServer, owned_workspace: Path, options: tuple[str, ...]
) -> None:
    done = image.run(
        "download-model",
        *arguments("dir-model"),
        workspace=owned_workspace,
        options=options,
        environ=environ_of(studio),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert expected.found_in(owned_workspace / "model") == expected.files("dir-model", "prod")
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in owned_workspace.rglob("*")}
    assert owners == {OWNER}


def test_docker_run__outputs(image: Image, studio: ReferenceServer, owned_workspace: Path) -> None:
    done = image.run(
        "download-model",
        *arguments("text-classifier"),
        "--output-json=outputs.json",
        workspace=owned_workspace,
        environ=environ_of(studio),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    outputs = json.loads((owned_workspace / "outputs.json").read_text())
    (path,) = expected.files("text-classifier", "prod")
    assert outputs["path"] == f"model/{path}"
    assert outputs["digest"] == expected.digest("text-classifier", "prod")
    assert studio.token not in done.stdout + done.stderr
    assert "X-Amz-Signature" not in done.stdout + done.stderr


def test_docker_run__example(
    image: Image, studio: ReferenceServer, owned_workspace: Path, tmp_path: Path
) -> None:
    """The script in `examples/`, unchanged, behind a `docker` that reaches our loopback."""
    program = tmp_path / "docker"
    real = subprocess.check_output(["which", "docker"], text=True).strip()
    program.write_text(
        f'#!/bin/sh\nshift\nexec {real} run --network=host --env DVC_STUDIO_URL "$@"\n'
    )
    program.chmod(0o755)

    done = subprocess.run(
        [ROOT / "examples" / "docker-run.sh"],
        cwd=owned_workspace,
        env={
            **os.environ,
            **environ_of(studio),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "STUDIO_ACTION_IMAGE": image.name,
        },
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert expected.found_in(owned_workspace / "model") == expected.files("text-classifier", "prod")
    assert "OK" in done.stdout


def test_docker_run__refusal_is_one_line_and_its_exit_code(
    image: Image, studio: ReferenceServer, owned_workspace: Path
) -> None:
    done = image.run(
        "download-model",
        *arguments("no-such-model"),
        workspace=owned_workspace,
        environ=environ_of(studio),
    )

    assert done.returncode == 12
    assert "no-such-model" in done.stderr.splitlines()[-1]
    assert answer("ps", "--quiet", "--filter", f"ancestor={image.name}") == ""


def test_docker_run__model_of_a_checkout_without_network_rights_or_a_name(
    image: Image, tmp_path: Path
) -> None:
    content = b"weights"
    digest = md5(content)
    pointer = f"outs:\n- md5: {digest}\n  size: {len(content)}\n  hash: md5\n  path: m.bin\n"
    checkout = made_at(
        tmp_path / "models",
        {
            ".dvc/config": b"[core]\nremote = shelf\n['remote \"shelf\"']\nurl = ../shelf\n",
            "dvc.yaml": b"artifacts:\n  m:\n    path: m.bin\n",
            "m.bin.dvc": pointer.encode(),
            f"shelf/files/md5/{digest[:2]}/{digest[2:]}": content,
        },
        "m@v1.0.0",
    )
    checkout.chmod(0o777)
    limits = ("--network=none", "--read-only", "--cap-drop=ALL")
    user = AS_OWNER if os.getuid() else NOBODY

    done = docker(
        *("run", "--rm", *limits, user, f"--volume={checkout}:/workspace", "--workdir=/workspace"),
        *(image.name, "download-model", "--source=git", "--repo=.", "--model=m", "--dest=got"),
    )

    assert done.returncode == 0, done.stderr
    assert (checkout / "got/m.bin").read_bytes() == content
    assert json.loads(done.stdout)["version"] == "v1.0.0"
