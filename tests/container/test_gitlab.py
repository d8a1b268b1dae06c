"""The template's jobs in a GitLab pipeline, run by gitlab-ci-local in their image."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from studio_action.server.release_names import ReleaseNames
from tests.container import expected
from tests.container.checkouts import git_init
from tests.container.engine import NO_WAY_OUT, ROOT, Image, answer, docker
from tests.oidc.issuer import Issuer
from tests.reference.server import ReferenceServer
from tests.servers.keyless import gitlab_job
from tests.servers.registry import OwnServer

RUNNER = ROOT / "tests/tools/node_modules/.bin/gitlab-ci-local"
HELPER = "docker.io/firecow/gitlab-ci-local-util"
IMAGE = ReleaseNames().gitlab_image
TEMPLATE = ".gitlab-ci-template.yml"


@pytest.fixture(scope="session")
def helper() -> Iterator[None]:
    """The image that gitlab-ci-local moves files with; a stand-in where it cannot be pulled.

    What it moves them through, volumes, is removed: it may end before it has done that itself.
    """
    if docker("image", "inspect", HELPER).returncode and docker("pull", HELPER).returncode:
        recipe = ROOT / "tests/container/gitlab-helper.Dockerfile"
        answer("build", f"--tag={HELPER}", f"--file={recipe}", str(recipe.parent))
    earlier = volumes()
    yield
    for name in volumes() - earlier:
        docker("volume", "rm", name)


@pytest.fixture
def published(image: Image) -> Iterator[None]:
    """The image under the name that the examples give it."""
    answer("tag", image.name, IMAGE)
    yield
    answer("rmi", IMAGE)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The project at its tag `v0.1.0`, with the template of this checkout."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / TEMPLATE).write_text((ROOT / TEMPLATE).read_text())
    git_init(folder, "https://gitlab.example.org/studio-action/studio-action.git")
    subprocess.run(["git", "tag", "v0.1.0"], cwd=folder, check=True)
    return folder


class Pipeline:
    """The project `acme/models`, whose pipelines run on this machine."""

    def __init__(self, folder: Path, tools: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self._tools = tools
        self._variables = variables

    def run(self, definition: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.folder / ".gitlab-ci.yml").write_text(definition)
        (self.folder / TEMPLATE).write_text((ROOT / TEMPLATE).read_text())
        (self.folder / ".gitlab-ci-local-variables.yml").write_text(
            "".join(f"{name}: {json.dumps(value)}\n" for name, value in self._variables.items())
        )
        subprocess.run(["git", "add", "--all"], cwd=self.folder, check=True)
        return subprocess.run(
            [RUNNER, "--network=host", "--no-color", *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"url.file://{self._tools}.insteadOf",
                "GIT_CONFIG_VALUE_0": "https://gitlab.example.org:443/studio-action/studio-action.git",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def artifacts(self, job: str) -> Path:
        return self.folder / ".gitlab-ci-local/artifacts" / job


@pytest.fixture
def pipeline(
    helper: None, published: None, tools: Path, workspace: Path, studio: ReferenceServer
) -> Pipeline:
    git_init(workspace, "https://gitlab.example.org/acme/models.git")
    variables = {
        **NO_WAY_OUT,
        "DVC_STUDIO_URL": studio.url,
        "DVC_STUDIO_TOKEN": studio.token,
    }
    return Pipeline(workspace, tools, variables)


def volumes() -> set[str]:
    return set(answer("volume", "ls", "--quiet", "--filter=name=gcl-").split())


def including(source: str, jobs: str = "", **inputs: str) -> str:
    lines = "".join(f"      {name}: {json.dumps(value)}\n" for name, value in inputs.items())
    return f"include:\n  - {source}\n    inputs:\n      image: {IMAGE}\n{lines}{jobs}"


def test_gitlab__example_deploys_what_has_the_stage(pipeline: Pipeline) -> None:
    done = pipeline.run((ROOT / "examples/gitlab-deploy.yml").read_text())

    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = expected.files("text-classifier", "prod")
    digest = expected.digest("text-classifier", "prod")
    assert f"deploying model/{path} ({digest})" in done.stdout
    model = pipeline.artifacts("fetch-model") / "model"
    assert expected.found_in(model) == expected.files("text-classifier", "prod")


def test_gitlab__example_downloads_without_any_secret(
    helper: None, published: None, tools: Path, workspace: Path, keyless: OwnServer, ci: Issuer
) -> None:
    """GitLab itself makes the ID token that `id_tokens` of the template is for."""
    git_init(workspace, "https://gitlab.example.org/acme/models.git")
    id_token = gitlab_job(ci, keyless.url)
    pipeline = Pipeline(workspace, tools, {**NO_WAY_OUT, **id_token})
    example = (ROOT / "examples/gitlab-keyless.yml").read_text()

    done = pipeline.run(example.replace("https://models.example.org", keyless.url))

    assert done.returncode == 0, done.stdout + done.stderr
    model = pipeline.artifacts("fetch-model") / "model"
    assert expected.found_in(model) == expected.files("text-classifier", "prod")
    assert f"gave a token for 15 min 00 s for the ID token of {ci.url}" in done.stdout
    assert id_token["STUDIO_ID_TOKEN"] not in done.stdout + done.stderr
    assert "isat_" not in done.stdout + done.stderr


def test_gitlab__reports_are_what_gitlab_reads(pipeline: Pipeline) -> None:
    inputs = {"download-job": "download", "model": "dir-model", "stage": "prod"}

    done = pipeline.run(including(f"local: /{TEMPLATE}", **inputs))

    assert done.returncode == 0, done.stdout + done.stderr
    reported = read_dotenv(
        (pipeline.artifacts("download") / ".studio-action/outputs.env").read_bytes()
    )
    assert reported["MODEL_DIGEST"] == expected.digest("dir-model", "prod")
    assert reported["MODEL_PATH"] == "model/encoder"
    assert reported["MODEL_STAGE"] == "prod"


def read_dotenv(content: bytes) -> dict[str, str]:
    """The variables of a dotenv report, by the rules of GitLab's parser; else an error.

    https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/services/ci/parse_dotenv_artifact_service.rb
    """
    assert len(content) < 5 * 1024
    found: dict[str, str] = {}
    for line in content.decode("utf-8").splitlines(keepends=True):
        match = re.fullmatch(r"(.*?)=(.*)\n?", line)
        assert match, f"Invalid Format: {line!r}"
        key, value = match[1].strip(), match[2].strip()
        assert re.fullmatch(r"[a-zA-Z0-9_]{1,255}", key), key
        assert key not in found
        # what GitLab would expand, or keep although a person means it away
        assert "$" not in value
        assert value[:1] not in ("'", '"')
        found[key] = value
    assert len(found) <= 20
    return found


def test_gitlab__job_that_extends_the_hidden_one(pipeline: Pipeline) -> None:
    job = """
deploy:
  extends: .studio-action-download
  variables:
    STUDIO_ACTION_MODEL: dir-model
    STUDIO_ACTION_STAGE: prod
    STUDIO_ACTION_LAYOUT: model
  script:
    - !reference [.studio-action-download, script]
    - cat model/config.json
"""

    done = pipeline.run(including(f"local: /{TEMPLATE}", job))

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(expected.found_in(pipeline.artifacts("deploy") / "model").values()) == set(
        expected.files("dir-model", "prod").values()
    )


def test_gitlab__created_project_is_known_to_later_jobs(pipeline: Pipeline) -> None:
    job = """
show:
  stage: deploy
  script: [echo "project $PROJECT_NAME"]
"""

    done = pipeline.run(including(f"local: /{TEMPLATE}", job, **{"create-job": "create"}))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "> project models" in done.stdout


def test_gitlab__created_project_is_linked(pipeline: Pipeline, studio: ReferenceServer) -> None:
    job = """
create:
  extends: .studio-action-create-project
  script:
    - !reference [.studio-action-create-project, script]
    - cat .studio-action/annotations.json
"""

    done = pipeline.run(including(f"local: /{TEMPLATE}", job))

    assert done.returncode == 0, done.stdout + done.stderr
    links = re.findall(r'"external_link": *({.*?})', done.stdout)
    (link,) = (json.loads(text) for text in links)
    assert link["url"].startswith(f"{studio.url}/user/ada/projects/models-")


def test_gitlab__failure_fails_the_job_and_tells_no_secret(
    pipeline: Pipeline, studio: ReferenceServer
) -> None:
    inputs = {"download-job": "download", "model": "no-such-model"}

    done = pipeline.run(including(f"local: /{TEMPLATE}", **inputs))

    assert done.returncode != 0
    assert "no-such-model" in done.stdout + done.stderr
    assert "FAIL 12" in done.stdout + done.stderr
    assert studio.token not in done.stdout + done.stderr


@pytest.fixture
def website(tools: Path) -> Iterator[str]:
    """The URL of a web server that has the template."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Silent, directory=str(tools))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{TEMPLATE}"
        server.shutdown()
        thread.join()


def test_gitlab__template_is_the_same_from_everywhere(pipeline: Pipeline, website: str) -> None:
    sources = [
        f"local: /{TEMPLATE}",
        f"project: studio-action/studio-action\n    ref: v0.1.0\n    file: /{TEMPLATE}",
        f"remote: {website}",
    ]
    inputs = {"download-job": "download", "model": "churn", "stage": "prod"}

    previews = [pipeline.run(including(source, **inputs), "--preview") for source in sources]

    assert [done.returncode for done in previews] == [0, 0, 0], previews
    local, project, remote = (yaml.safe_load(done.stdout) for done in previews)
    assert local == project == remote
    assert local["download"]["variables"]["STUDIO_ACTION_MODEL"] == "churn"


def test_gitlab__component_is_the_templates_job(pipeline: Pipeline) -> None:
    shutil.copytree(ROOT / "templates", pipeline.folder / "templates")
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=pipeline.folder, text=True)
    component = f"component: gitlab.example.org/acme/models/download-model@{commit.strip()}"
    inputs = {"model": "churn", "stage": "prod"}
    template = including(f"local: /{TEMPLATE}", **inputs, **{"download-job": "download-model"})

    previews = [
        pipeline.run(definition, "--preview")
        for definition in (including(component, **inputs), template)
    ]

    assert [done.returncode for done in previews] == [0, 0], previews
    found, wanted = (yaml.safe_load(done.stdout)["download-model"] for done in previews)
    assert found == wanted
