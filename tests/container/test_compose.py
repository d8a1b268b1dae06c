"""`compose.yaml`: the server in its image, real PostgreSQL and S3 servers, a job beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import boto3
import botocore.config
import pytest

from tests import sample
from tests.container.engine import PATIENCE, ROOT, docker
from tests.servers.process import free_ports, until_ready

REPOSITORY = "acme/models"
SECRETS = {"DATABASE_PASSWORD": "not-secret-here", "S3_SECRET_KEY": "not-secret-either"}
CONFIG = """
repositories:
  - name: acme/models
    url: /repositories/models.git
    aliases: ["https://github.com/acme/models.git"]
    teams: [ml]
    remotes:
      storage:
        url: s3://models/registry
        endpointurl: http://127.0.0.1:8333
        access_key_id: registry
        secret_access_key: {env: S3_SECRET_KEY}
"""
MOUNT = """
services:
  registry:
    volumes: ["{repository}:/repositories/models.git:ro"]
"""
PROGRAM = Path(sys.executable).with_name("studio-action")


@dataclass(frozen=True, slots=True)
class Stack:
    """The containers of one project, and where the server is reached."""

    project: str
    files: tuple[Path, ...]
    environ: dict[str, str]
    url: str

    def __call__(self, *command: str, patience: float = PATIENCE) -> str:
        """What Compose writes when it must succeed."""
        files = [f"--file={file}" for file in self.files]
        done = subprocess.run(
            [*_compose(), f"--project-name={self.project}", *files, *command],
            cwd=ROOT,
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            timeout=patience,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def token(self) -> str:
        """A new one of the team, made as the operator makes it."""
        scopes = ("--scope=model-registry", "--scope=project")
        words = ("studio-action", "token", "create", "--name=ci", "--team=ml", *scopes)
        return self("exec", "-T", "registry", *words)


@cache
def _compose() -> tuple[str, ...]:
    """Docker's own plugin, or the program that was before it."""
    return (
        ("docker", "compose")
        if docker("compose", "version").returncode == 0
        else ("docker-compose",)
    )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("compose")
    folder.chmod(0o755)
    repository = folder / "models.git"
    clone = ["git", "clone", "--quiet", "--bare", str(sample.BUNDLE), str(repository)]
    subprocess.run(clone, check=True)
    (folder / "server.yaml").write_text(CONFIG)
    (folder / "mount.yaml").write_text(MOUNT.format(repository=repository))
    (port,) = free_ports(1)
    ours = Path(__file__).with_name("compose.override.yaml")
    stack = Stack(
        f"studio-action-test-{os.getpid()}",
        (ROOT / "compose.yaml", ours, folder / "mount.yaml"),
        {
            **SECRETS,
            "REGISTRY_PORT": str(port),
            "SERVER_CONFIG": str(folder / "server.yaml"),
        },
        f"http://127.0.0.1:{port}",
    )
    try:
        stack("up", "--detach", "--build", patience=2 * PATIENCE)
        until_ready(f"{stack.url}/readyz")
        _fill("models")
        yield stack
    finally:
        stack("down", "--volumes", "--timeout=5")
        shutil.rmtree(repository)


def _fill(bucket: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:8333",
        region_name="us-east-1",
        aws_access_key_id="registry",
        aws_secret_access_key=SECRETS["S3_SECRET_KEY"],
        config=botocore.config.Config(s3={"addressing_style": "path"}, proxies={}),
    )
    client.create_bucket(Bucket=bucket)
    for key, content in sample.objects("s3", bucket).items():
        client.put_object(Bucket=bucket, Key=key, Body=content)
    client.close()


def _job(stack: Stack, token: str, *command: str) -> None:
    """The real program beside it, as a job runs it."""
    environ = {
        "PATH": os.environ["PATH"],
        "DVC_STUDIO_URL": stack.url,
        "DVC_STUDIO_TOKEN": token,
        "STUDIO_ACTION_REPO": REPOSITORY,
    }
    done = subprocess.run([PROGRAM, *command], env=environ, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def test_compose__a_model_of_its_storage(stack: Stack, workspace: Path) -> None:
    _job(stack, stack.token(), "download-model", "--model=models/churn:churn", "--stage=prod")

    model = sample.expected()["models"]["models/churn:churn"]
    (file,) = model["versions"][model["stages"]["prod"]]["files"]
    stored = sample.object_path(file["url"]).read_bytes()
    assert (workspace / file["path"]).read_bytes() == stored


def test_compose__projects_and_tokens_outlive_every_container(
    stack: Stack, workspace: Path
) -> None:
    token = stack.token()
    create = ("create-project", "--team-name=ml", "--output-json")
    _job(stack, token, *create, "before.json")

    stack("kill")
    stack("up", "--detach")
    until_ready(f"{stack.url}/readyz")

    _job(stack, token, *create, "after.json")
    assert (workspace / "after.json").read_text() == (workspace / "before.json").read_text()


def test_compose__nothing_but_its_data_is_writable(stack: Stack) -> None:
    script = "! touch /anywhere && ! touch /opt/studio-action/x && touch /data/x && id -u"

    assert stack("exec", "-T", "registry", "sh", "-c", script) == "10001"
