"""What the files in `integrations/` say is what the program takes and gives."""

from __future__ import annotations

import re

import pytest

from studio_action import __version__
from studio_action.inputs.outputs_table import DOWNLOAD, MODEL_PREFIX, OUTPUTS, outputs_of
from studio_action.inputs.table import INPUTS, inputs_of
from studio_action.server.release_names import IMAGE
from tests.integrations.manifests import FOLDER, read

EVERY = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())
KNOWN = {f"STUDIO_ACTION_{each.name.upper().replace('-', '_')}" for each in INPUTS}
OTHER = {"STUDIO_ACTION_IMAGE", "STUDIO_ACTION_NAME"}
"""A variable of the Jenkins step's own, and the word for any of them."""


def text_of(name: str) -> str:
    return (FOLDER / name).read_text()


@pytest.mark.parametrize("name", EVERY)
def test_variables_are_inputs(name: str) -> None:
    named = set(re.findall(r"\bSTUDIO_ACTION_[A-Z_]*[A-Z]\b", text_of(name)))
    assert named <= KNOWN | OTHER


@pytest.mark.parametrize("name", EVERY)
def test_variables_of_outputs_exist(name: str) -> None:
    known = {f"{MODEL_PREFIX}{each.upper().replace('-', '_')}" for each in outputs_of(DOWNLOAD)}
    named = set(re.findall(r"(?<!_)\bMODEL_[A-Z_]*[A-Z]\b", text_of(name)))
    assert named <= known


@pytest.mark.parametrize("name", EVERY)
def test_image_is_of_this_version(name: str) -> None:
    for tag in re.findall(rf"{re.escape(IMAGE)}:([^\s\"'}}]+)", text_of(name)):
        assert tag == __version__


@pytest.mark.parametrize("name", EVERY)
def test_no_secret_is_an_argument(name: str) -> None:
    """Where an option is written out, the process list would show it."""
    secret = "|".join(each.name for each in INPUTS if each.secret)
    assert not re.search(rf"--({secret})[= ]", text_of(name))


def test_tekton__results_are_outputs_and_params_are_used() -> None:
    spec = read("tekton/download-model.yaml")["spec"]
    text = text_of("tekton/download-model.yaml")
    helps = {each.name: each.help for each in OUTPUTS}
    assert {each["name"] for each in spec["results"]} <= {*outputs_of(DOWNLOAD)}
    assert all(helps[each["name"]] for each in spec["results"])
    used = set(re.findall(r"\$\(params\.([\w-]+)", text))
    assert used == {each["name"] for each in spec["params"]}
    assert set(re.findall(r"\$\(workspaces\.([\w-]+)\.path\)", text)) == {"output"}


def test_argo__parameters_are_outputs_and_inputs_are_used() -> None:
    (template,) = read("argo-workflows/download-model.yaml")["spec"]["templates"]
    outputs = template["outputs"]["parameters"]
    assert {each["name"] for each in outputs} <= {*outputs_of(DOWNLOAD)}
    assert all(each["valueFrom"]["path"] == f"/job/outputs/{each['name']}" for each in outputs)
    used = set(
        re.findall(r"inputs\.parameters\.([\w-]+)", text_of("argo-workflows/download-model.yaml"))
    )
    assert used == {each["name"] for each in template["inputs"]["parameters"]}


def test_circleci__parameters_are_inputs() -> None:
    command = read("circleci/orb.yml")["commands"]["download-model"]
    (step,) = command["steps"]
    assert set(command["parameters"]) <= {each.name for each in inputs_of(DOWNLOAD)}
    assert step["run"]["environment"] == {
        f"STUDIO_ACTION_{name.upper().replace('-', '_')}": f"<< parameters.{name} >>"
        for name in command["parameters"]
    }


def test_buildkite__options_are_inputs() -> None:
    properties = read("buildkite/plugin.yml")["configuration"]["properties"]
    assert set(properties) - {"image"} <= {each.name for each in inputs_of(DOWNLOAD)}
    (loop,) = re.findall(r"for name in ([A-Z_ ]+); do", text_of("buildkite/hooks/pre-command"))
    assert set(loop.split()) == {
        name.upper().replace("-", "_") for name in properties if name != "image"
    }
