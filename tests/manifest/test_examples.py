"""What people paste uses inputs, outputs and options that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from studio_action.inputs.outputs_table import DOWNLOAD
from studio_action.inputs.table import inputs_of
from studio_action.outputs.attestation import PREDICATE_TYPE
from studio_action.server.run.configuration.reading import Options, read
from tests import public

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def test_examples__each_is_linted() -> None:
    patterns = re.findall(r"\$\(wildcard [^)]*?(examples/\S+)\)", (ROOT / "Makefile").read_text())
    linted = {path for pattern in patterns for path in ROOT.glob(pattern)}

    parsed = {EXAMPLES / "server.yaml", EXAMPLES / "studio-action-policy.yml"}  # by tests
    assert linted | parsed == set(EXAMPLES.iterdir())


def test_server_example__is_a_configuration(tmp_path: Path) -> None:
    environ = {"S3_ENDPOINT": "https://s3.example.org", "S3_SECRET_KEY": "none"}
    options = Options(str(EXAMPLES / "server.yaml"), {"data-dir": "data"})

    (repository,) = read(options, environ, tmp_path).repositories

    assert repository.name == "acme/models"
    assert set(repository.remotes) == {"storage"}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("github-*.yml")))
def test_github_examples__inputs_and_outputs_exist(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (job,) = yaml.safe_load(text)["jobs"].values()
    steps = job["steps"]

    assert set(steps[0]["with"]) <= set(action["inputs"])
    assert set(re.findall(r"steps\.model\.outputs\.([\w-]+)", text)) <= set(action["outputs"])


def test_attest_example__has_the_type_of_the_predicate() -> None:
    for page in (EXAMPLES / "github-attest.yml", ROOT / "docs/attestation.md"):
        named = re.findall(r"urn:studio-action:\S+?:v\d+", page.read_text())
        assert set(named) == {PREDICATE_TYPE}


@pytest.mark.parametrize("name", ["gitlab-deploy.yml", "gitlab-monorepo.yml", "gitlab-keyless.yml"])
def test_gitlab_examples__inputs_and_outputs_exist(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    header, jobs = yaml.safe_load_all((ROOT / ".gitlab-ci-template.yml").read_text())
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    used = re.findall(r"\$MODEL_(\w+)", text)
    variables = re.findall(r"STUDIO_ACTION_(\w+):", text)
    extended = re.findall(r"extends: (\S+)", text)

    assert set(yaml.safe_load(text)["include"][0]["inputs"]) <= set(header["spec"]["inputs"])
    assert {_as_input(each) for each in used} <= set(action["outputs"])
    assert {_as_input(each) for each in variables} <= set(action["inputs"])
    assert set(extended) <= set(jobs)


@pytest.mark.parametrize("name", ["github-keyless.yml", "gitlab-keyless.yml"])
def test_keyless_examples__no_secret(name: str) -> None:
    text = (EXAMPLES / name).read_text()

    assert "secrets." not in text
    assert "TOKEN" not in text


def _as_input(variable: str) -> str:
    return variable.lower().replace("_", "-")


@pytest.mark.parametrize("name", ["docker-run.sh", "imported-run.sh"])
def test_docker_examples__options_exist(name: str) -> None:
    _, command = (EXAMPLES / name).read_text().split(f" {DOWNLOAD} ")
    options = re.findall(r" --([a-z-]+)", f" {command}".partition("\n\n")[0])

    assert set(options) <= {each.name for each in inputs_of(DOWNLOAD) if not each.secret}


@pytest.mark.parametrize(
    ("example", "repository"),
    [
        ("github-get-started.yml", "get-started"),
        ("gitlab-monorepo.yml", "monorepo"),
        ("imported-run.sh", "serving"),
    ],
)
def test_examples__their_models_are_in_repositories_that_are_tested(
    example: str, repository: str
) -> None:
    text = (EXAMPLES / example).read_text()
    models = {
        *re.findall(r"(?:on-model:|--model) (\S+)", text),
        *re.findall(r"- (\S+:\S+)$", text, re.MULTILINE),
    }

    assert models
    assert models <= {asked.model for asked in public.project(repository).questions if asked.stage}
