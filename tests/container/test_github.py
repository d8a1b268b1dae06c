"""The action as a step of a GitHub workflow: by `act`, and as GitHub's runner starts it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.container import expected
from tests.container.checkouts import git_init
from tests.container.engine import NO_WAY_OUT, OWNER, ROOT, Image, answer, docker
from tests.oidc.issuer import Issuer
from tests.reference.server import ReferenceServer
from tests.servers.keyless import github_job
from tests.servers.registry import OwnServer

ACT = Path(sysconfig.get_path("scripts")) / "act"
Deploy = Callable[[str], subprocess.CompletedProcess[str]]
TAG_EVENT = {"ref": "refs/tags/text-classifier#prod#6"}


@pytest.fixture
def action(tmp_path: Path) -> Path:
    """This checkout without what Git ignores: what `uses:` gets."""
    folder = tmp_path / "action"
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture
def checkout(owned_workspace: Path) -> Path:
    """A job's workspace: a clone of `acme/models` at github.com."""
    git_init(owned_workspace, "https://github.com/acme/models.git")
    return owned_workspace


def act(
    workflow: Path, *options: str, checkout: Path, image: Image, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a workflow as on the push of a tag; the checkout is bound into its containers."""
    event = checkout.parent / "event.json"
    event.write_text(json.dumps(TAG_EVENT))
    return subprocess.run(
        [
            ACT,
            "push",
            f"--workflows={workflow}",
            f"--eventpath={event}",
            f"--platform=ubuntu-24.04={image.base}",
            "--bind",
            "--pull=false",
            "--no-cache-server",
            "--no-recurse",
            "--rm",
            *[f"--env={name}={value}" for name, value in NO_WAY_OUT.items()],
            *options,
        ],
        cwd=checkout,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def deploy(image: Image, action: Path, checkout: Path, studio: ReferenceServer) -> Deploy:
    """Runs a workflow of `acme/models` in which the action at `v0.1.0` is this checkout."""

    def run(definition: str) -> subprocess.CompletedProcess[str]:
        workflow = checkout.parent / "workflow.yml"
        workflow.write_text(definition)
        return act(
            workflow,
            f"--local-repository=studio-action/studio-action@v0.1.0={action}",
            f"--env=DVC_STUDIO_URL={studio.url}",
            "--secret=DVC_STUDIO_TOKEN",
            checkout=checkout,
            image=image,
            DVC_STUDIO_TOKEN=studio.token,
        )

    return run


def test_act__self_test_passes(image: Image, action: Path) -> None:
    git_init(action, "https://github.com/studio-action/studio-action.git")

    done = act(
        Path(".github/workflows/self-test.yml"), "--job=action", checkout=action, image=image
    )

    assert done.returncode == 0, done.stdout


def test_act__example_deploys_what_the_tag_names(deploy: Deploy, checkout: Path) -> None:
    workflow = (ROOT / "examples/github-deploy.yml").read_text()

    done = deploy(workflow)

    assert done.returncode == 0, done.stdout
    (path,) = expected.files("text-classifier", "prod")
    digest = expected.digest("text-classifier", "prod")
    assert f"deploying model/{path} ({digest})" in done.stdout
    assert expected.found_in(checkout / "model") == expected.files("text-classifier", "prod")
    assert (checkout / "model" / path).stat().st_uid == OWNER[0]


SEVERAL = """
name: Deploy several models
on: push
permissions: {}
jobs:
  models:
    runs-on: ubuntu-24.04
    outputs:
      matrix: ${{ steps.models.outputs.matrix }}
    steps:
      - id: models
        uses: studio-action/studio-action@v0.1.0
        with:
          token: ${{ secrets.DVC_STUDIO_TOKEN }}
          dest: model
          modles: a mistyped input
          models: |
            text-classifier@prod
            models/churn:churn@prod -> churn  # a folder of its own
  deploy:
    needs: models
    runs-on: ubuntu-24.04
    strategy:
      matrix: ${{ fromJSON(needs.models.outputs.matrix) }}
    steps:
      - env: {NAME: "${{ matrix.name }}", MODEL: "${{ matrix.path }}"}
        run: echo "deploying $NAME from $MODEL"
"""


def test_act__several_models_start_a_job_each(deploy: Deploy, checkout: Path) -> None:
    done = deploy(SEVERAL)

    assert done.returncode == 0, done.stdout
    (path,) = expected.files("text-classifier", "prod")
    assert f"deploying text-classifier from model/{path}" in done.stdout
    assert "deploying models/churn:churn from churn/models/churn/model.joblib" in done.stdout
    assert expected.found_in(checkout / "model") == expected.files("text-classifier", "prod")
    assert expected.found_in(checkout / "churn") == expected.files("models/churn:churn", "prod")
    assert "There is no input 'modles' (INPUT_MODLES), so it has no effect" in done.stdout


def test_act__example_downloads_without_any_secret(
    image: Image, action: Path, checkout: Path, keyless: OwnServer, ci: Issuer
) -> None:
    example = (ROOT / "examples/github-keyless.yml").read_text()
    workflow = checkout.parent / "workflow.yml"
    workflow.write_text(example.replace("https://models.example.org", keyless.url))

    done = act(
        workflow,
        f"--local-repository=studio-action/studio-action@v0.1.0={action}",
        *[f"--env={name}={value}" for name, value in github_job(ci).items()],
        checkout=checkout,
        image=image,
    )

    assert done.returncode == 0, done.stdout
    assert expected.found_in(checkout / "model") == expected.files("text-classifier", "prod")
    assert f"gave a token for 15 min 00 s for the ID token of {ci.url}" in done.stdout
    said = done.stdout + done.stderr
    assert not re.search(r"\bey[\w-]+\.ey", said)  # an ID token
    assert "isat_" not in said
    assert ci.request_token not in said


_INDEX_HOSTS = """
import subprocess, sys
from urllib.parse import urlsplit
from pip._internal.models.index import PyPI
said = subprocess.check_output([sys.executable, "-m", "pip", "config", "list"], text=True)
urls = [line.partition("=")[2].strip("'") for line in said.splitlines() if "index-url=" in line]
hosts = [urlsplit(url).hostname for url in urls]
print(",".join([PyPI.netloc, PyPI.file_storage_domain, *filter(None, hosts)]))
"""
"""Says where pip gets packages from: the only hosts that a job which installs may reach."""


def test_act__without_docker_the_same_step(
    image: Image, action: Path, checkout: Path, studio: ReferenceServer
) -> None:
    """The composite action in a job that has Python; its cache holds nothing yet."""
    cache = checkout.parent / "cache"
    cache.mkdir()
    (cache / "action.yml").write_text(
        "name: cache\nruns: {using: composite, steps: [{run: 'true', shell: bash}]}\n"
    )
    git_init(cache, "https://github.com/actions/cache.git")
    (pin,) = re.findall(r"uses: (actions/cache@\w+)", (ROOT / "composite/action.yml").read_text())
    workflow = checkout.parent / "workflow.yml"
    example = (ROOT / "examples/github-deploy.yml").read_text()
    uses = "studio-action/studio-action@v0.1.0"
    workflow.write_text(example.replace(uses, uses.replace("@", "/composite@")))

    done = act(
        workflow,
        f"--local-repository={uses}={action}",
        f"--local-repository={pin}={cache}",
        f"--env=NO_PROXY={answer('run', '--rm', image.base, 'python', '-c', _INDEX_HOSTS)}",
        f"--env=DVC_STUDIO_URL={studio.url}",
        "--secret=DVC_STUDIO_TOKEN",
        checkout=checkout,
        image=image,
        DVC_STUDIO_TOKEN=studio.token,
    )

    assert done.returncode == 0, done.stdout
    (path,) = expected.files("text-classifier", "prod")
    digest = expected.digest("text-classifier", "prod")
    assert f"deploying model/{path} ({digest})" in done.stdout
    assert expected.found_in(checkout / "model") == expected.files("text-classifier", "prod")


def test_act__later_steps_read_every_output(deploy: Deploy, checkout: Path) -> None:
    workflow = """
        on: push
        jobs:
          job:
            runs-on: ubuntu-24.04
            steps:
              - id: model
                uses: studio-action/studio-action@v0.1.0
                with:
                  token: ${{ secrets.DVC_STUDIO_TOKEN }}
                  model: dir-model
                  stage: prod
                  dest: put here
              - run: printf '%s' "$OUTPUTS" > outputs.json
                env:
                  OUTPUTS: ${{ toJSON(steps.model.outputs) }}
        """

    done = deploy(workflow)

    assert done.returncode == 0, done.stdout
    outputs = json.loads((checkout / "outputs.json").read_text())
    assert sorted(json.loads(outputs["files"])) == sorted(
        f"put here/{path}" for path in expected.files("dir-model", "prod")
    )
    assert outputs["digest"] == expected.digest("dir-model", "prod")
    assert outputs["stage"] == "prod"
    assert (checkout / outputs["manifest"]).is_file()
    assert (checkout / outputs["checksums"]).is_file()


def test_act__failure_stops_the_job_and_tells_no_secret(
    deploy: Deploy, studio: ReferenceServer
) -> None:
    workflow = """
        on: push
        jobs:
          job:
            runs-on: ubuntu-24.04
            steps:
              - uses: studio-action/studio-action@v0.1.0
                with:
                  token: ${{ secrets.DVC_STUDIO_TOKEN }}
                  model: no-such-model
              - run: echo "this must not run"
        """

    done = deploy(workflow)

    assert done.returncode == 1
    assert "::error" in done.stdout
    assert "no-such-model" in done.stdout
    assert studio.token not in done.stdout + done.stderr
    assert "this must not run" not in done.stdout


def test_runner__command_line(
    image: Image, owned_workspace: Path, tmp_path: Path, studio: ReferenceServer
) -> None:
    """The mounts, the folder, the variables and the entry point that GitHub's runner gives.

    https://github.com/actions/runner/blob/main/src/Runner.Worker/Handlers/ContainerActionHandler.cs
    """
    home, commands, temporary = (tmp_path / name for name in ("home", "commands", "temporary"))
    for folder in (home, commands, temporary):
        folder.mkdir()
    for name in ("output", "summary", "env", "state"):
        (commands / name).touch()
    environ = {
        "HOME": "/github/home",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": "/github/workspace",
        "GITHUB_REPOSITORY": "acme/models",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_OUTPUT": "/github/file_commands/output",
        "GITHUB_STEP_SUMMARY": "/github/file_commands/summary",
        "GITHUB_ENV": "/github/file_commands/env",
        "GITHUB_STATE": "/github/file_commands/state",
        "RUNNER_TEMP": "/github/runner_temp",
        "INPUT_STUDIO-URL": studio.url,
        "INPUT_TOKEN": studio.token,
        "INPUT_MODEL": "dir-model",
        "INPUT_STAGE": "prod",
        "INPUT_VERSION": "",
        "INPUT_IF-NOT-FOUND": "",
        "INPUT_DEST": "model",
    }

    done = docker(
        "run",
        "--rm",
        "--network=host",
        "--workdir=/github/workspace",
        "--entrypoint=/entrypoint.py",
        *(f"--env={name}" for name in environ),
        f"--volume={temporary}:/github/runner_temp",
        f"--volume={home}:/github/home",
        f"--volume={commands}:/github/file_commands",
        f"--volume={owned_workspace}:/github/workspace",
        image.name,
        **environ,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert expected.found_in(owned_workspace / "model") == expected.files("dir-model", "prod")
    outputs = read_outputs((commands / "output").read_text())
    assert outputs["digest"] == expected.digest("dir-model", "prod")
    assert (owned_workspace / outputs["manifest"]).is_file()
    summary = (commands / "summary").read_text()
    assert all(md5 in summary for md5 in expected.files("dir-model", "prod").values())
    assert (commands / "env").read_text() == (commands / "state").read_text() == ""
    assert list(home.iterdir()) == []


def read_outputs(text: str) -> dict[str, str]:
    """The heredocs of a step's output file, as GitHub reads them."""
    entries = re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n\2$", text, re.MULTILINE | re.DOTALL)
    return {name: value for name, _, value in entries}
