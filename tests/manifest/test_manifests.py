"""What users read about inputs, outputs, exit codes and versions is the same everywhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import studio_action
from studio_action.errors import Unreachable
from studio_action.inputs.outputs_table import COMMANDS, CREATE, DOWNLOAD, OUTPUTS, RESOLVE
from studio_action.inputs.table import INPUTS, Input, inputs_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
HEADER, JOBS = yaml.safe_load_all((ROOT / ".gitlab-ci-template.yml").read_text())
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

OF_ACTION = [each for each in INPUTS if not each.cli_only]
OF_TEMPLATE = [each for each in OF_ACTION if each.name != "command" and not each.secret]
TEMPLATE_ONLY = ["image", "job-stage", "expire-in", "download-job", "resolve-job", "create-job"]
NUMBERS = {"connections", "timeout", "retries"}


def described(each: Input) -> str:
    return each.help + (f" Default: `{each.default}`" if each.default else "")


def test_action__inputs_are_the_programs() -> None:
    described_by_action = {name: spec["description"] for name, spec in ACTION["inputs"].items()}

    assert described_by_action == {each.name: described(each) for each in OF_ACTION}


def test_action__no_default_hides_what_the_environment_says() -> None:
    defaults = {name: spec["default"] for name, spec in ACTION["inputs"].items() if len(spec) > 1}

    assert defaults == {"git-token": "${{ github.token }}"}


def test_action__outputs_are_the_programs() -> None:
    described_by_action = {name: spec["description"] for name, spec in ACTION["outputs"].items()}

    assert described_by_action == {output.name: output.help for output in OUTPUTS}


def test_action__starts_what_the_image_starts() -> None:
    assert ACTION["runs"] == {
        "using": "docker",
        "image": "Dockerfile",
        "entrypoint": "/entrypoint.py",
    }
    assert 'ENTRYPOINT ["/entrypoint.py"]' in DOCKERFILE


def test_template__inputs_are_the_actions_and_its_own() -> None:
    names = list(HEADER["spec"]["inputs"])

    assert names == TEMPLATE_ONLY + [each.name for each in OF_TEMPLATE]


@pytest.mark.parametrize("each", OF_TEMPLATE, ids=lambda each: each.name)
def test_template__input_means_what_the_program_says(each: Input) -> None:
    spec = HEADER["spec"]["inputs"][each.name]

    assert spec.pop("description").startswith(each.help)
    assert spec == template_type(each)


def template_type(each: Input) -> dict[str, Any]:
    """How GitLab is told of an input; free text that is not given stays empty, as in a job."""
    if each.kind == "flag":
        return {"type": "boolean", "default": each.default == "true"}
    if each.name in NUMBERS:
        return {"type": "number", "default": int(each.default)}
    if each.choices:
        return {"options": list(each.choices), "default": each.default}
    # a whole checkout is no artifact, so a job has a folder of its own
    return {"default": "model" if each.name == "dest" else ""}


@pytest.mark.parametrize(
    ("job", "command"),
    [
        ("$[[ inputs.download-job ]]", DOWNLOAD),
        ("$[[ inputs.resolve-job ]]", RESOLVE),
        ("$[[ inputs.create-job ]]", CREATE),
    ],
    ids=COMMANDS,
)
def test_template__ready_job_hands_on_every_input_of_its_command(job: str, command: str) -> None:
    base = JOBS[JOBS[job]["extends"]]
    wanted = [each.name for each in inputs_of(command) if each in OF_TEMPLATE]

    assert base["script"] == [f"studio-action {command}"]
    assert {**base.get("variables", {}), **JOBS[job]["variables"]} == {
        f"STUDIO_ACTION_{name.upper().replace('-', '_')}": f"$[[ inputs.{name} ]]"
        for name in wanted
    }


@pytest.mark.parametrize("suffix", ["download", "resolve"])
def test_template__retries_what_could_not_be_reached(suffix: str) -> None:
    assert JOBS[f".studio-action-{suffix}"]["retry"]["exit_codes"] == Unreachable.exit_code


def test_template__creation_is_not_retried() -> None:
    assert "retry" not in JOBS[".studio-action-create-project"]


def test_template__every_job_is_hidden_or_named_by_an_input() -> None:
    names = [name for name in JOBS if not name.startswith(".")]

    assert names == [f"$[[ inputs.{kind}-job ]]" for kind in ("download", "resolve", "create")]
    assert all(HEADER["spec"]["inputs"][name]["default"][0] == "." for name in TEMPLATE_ONLY[3:])


def test_template__script_has_no_interpolated_text() -> None:
    scripts = [line for job in JOBS.values() for line in job.get("script", [])]

    assert not [line for line in scripts if "$[[" in line]


def test_template__names_no_token_but_the_id_token() -> None:
    id_tokens = JOBS[".studio-action"].pop("id_tokens")

    assert id_tokens == {"STUDIO_ID_TOKEN": {"aud": "$STUDIO_ACTION_STUDIO_URL"}}
    assert "TOKEN" not in yaml.safe_dump([HEADER, JOBS])


def test_versions__python() -> None:
    tested = WORKFLOW["jobs"]["python"]["strategy"]["matrix"]["python"]
    prefix = "Programming Language :: Python :: "
    classifiers = PROJECT["project"]["classifiers"]
    image = re.search(r"^ARG PYTHON_IMAGE=python:([\d.]+)-slim-\w+$", DOCKERFILE, re.MULTILINE)

    assert image is not None
    assert image[1] in tested
    assert [text[len(prefix) :] for text in classifiers if text.startswith(prefix)] == tested
    assert PROJECT["project"]["requires-python"] == f">={tested[0]}"
    assert PROJECT["tool"]["mypy"]["python_version"] == tested[0]
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{tested[0].replace('.', '')}"


@pytest.mark.parametrize(
    "path",
    [
        "Dockerfile",
        ".gitlab-ci-template.yml",
        "examples/github-deploy.yml",
        "examples/gitlab-deploy.yml",
        "examples/github-keyless.yml",
        "examples/gitlab-keyless.yml",
    ],
)
def test_versions__of_this_project(path: str) -> None:
    named = re.findall(r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])", (ROOT / path).read_text())

    # `--version v2.0.0` is of somebody's model
    assert set(named) - {"2.0.0"} == {studio_action.__version__}


TYPES = yaml.safe_load((ROOT / "action-types.yml").read_text())


@pytest.mark.parametrize("each", OF_ACTION, ids=lambda each: each.name)
def test_types__of_an_input(each: Input) -> None:
    """https://github.com/typesafegithub/github-actions-typing"""
    spec = TYPES["inputs"][each.name]

    assert (spec["type"] == "boolean") is (each.kind == "flag")
    assert (spec["type"] == "list") is (each.kind == "list")
    assert spec.get("allowed-values", []) == list(each.choices)
    assert (spec["type"] in ("integer", "float")) is (each.name in {*NUMBERS, "deadline"})


def test_types__every_input_and_output_has_one() -> None:
    assert list(TYPES["inputs"]) == [each.name for each in OF_ACTION]
    assert list(TYPES["outputs"]) == [output.name for output in OUTPUTS]


COMPOSITE = yaml.safe_load((ROOT / "composite" / "action.yml").read_text())


def test_composite__inputs_and_outputs_are_the_actions() -> None:
    assert COMPOSITE["inputs"] == ACTION["inputs"]
    assert {name: spec["description"] for name, spec in COMPOSITE["outputs"].items()} == {
        name: spec["description"] for name, spec in ACTION["outputs"].items()
    }
    assert {name: spec["value"] for name, spec in COMPOSITE["outputs"].items()} == {
        output.name: f"${{{{ steps.run.outputs.{output.name} }}}}" for output in OUTPUTS
    }


def test_composite__hands_on_every_input_and_no_input_to_a_shell() -> None:
    *before, run = COMPOSITE["runs"]["steps"]

    assert {name: text for name, text in run["env"].items() if name.startswith("INPUT_")} == {
        f"INPUT_{each.name.upper().replace('-', '_')}": f"${{{{ inputs.{each.name} }}}}"
        for each in OF_ACTION
    }
    assert "inputs." not in yaml.safe_dump(before)
    assert "${{" not in run["run"]
