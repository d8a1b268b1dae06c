"""What people paste uses inputs, outputs and options that there are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from studio_action.inputs.outputs_table import DOWNLOAD
from studio_action.inputs.table import inputs_of
from studio_action.server.configuration.reading import Options, read

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def test_examples__each_is_linted() -> None:
    patterns = re.findall(r"\$\(wildcard [^)]*?(examples/\S+)\)", (ROOT / "Makefile").read_text())
    linted = {path for pattern in patterns for path in ROOT.glob(pattern)}

    assert linted | {EXAMPLES / "server.yaml"} == set(EXAMPLES.iterdir())


def test_server_example__is_a_configuration(tmp_path: Path) -> None:
    environ = {"S3_ENDPOINT": "https://s3.example.org", "S3_SECRET_KEY": "none"}
    options = Options(str(EXAMPLES / "server.yaml"), {"data-dir": "data"})

    (repository,) = read(options, environ, tmp_path).repositories

    assert repository.name == "acme/models"
    assert set(repository.remotes) == {"storage"}


def test_github_example__inputs_and_outputs_exist() -> None:
    text = (EXAMPLES / "github-deploy.yml").read_text()
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = yaml.safe_load(text)["jobs"]["deploy"]["steps"]

    assert set(steps[0]["with"]) <= set(action["inputs"])
    assert set(re.findall(r"steps\.model\.outputs\.([\w-]+)", text)) <= set(action["outputs"])


def test_gitlab_example__inputs_and_outputs_exist() -> None:
    text = (EXAMPLES / "gitlab-deploy.yml").read_text()
    header, _ = yaml.safe_load_all((ROOT / ".gitlab-ci-template.yml").read_text())
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    used = re.findall(r"\$MODEL_(\w+)", text)

    assert set(yaml.safe_load(text)["include"][0]["inputs"]) <= set(header["spec"]["inputs"])
    assert {name.lower().replace("_", "-") for name in used} <= set(action["outputs"])


def test_docker_example__options_exist() -> None:
    _, command = (EXAMPLES / "docker-run.sh").read_text().split(f" {DOWNLOAD} ")
    options = re.findall(r" --([a-z-]+)", command.partition("\n\n")[0])

    assert set(options) <= {each.name for each in inputs_of(DOWNLOAD) if not each.secret}
