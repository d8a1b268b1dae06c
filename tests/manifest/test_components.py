"""The components of GitLab's catalog are the template's jobs, one each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import studio_action
from studio_action.inputs.outputs_table import CREATE, DOWNLOAD, RESOLVE

ROOT = Path(__file__).parents[2]
KINDS = {"download": DOWNLOAD, "resolve": RESOLVE, "create": CREATE}
OWN = {"job-name"}
"""What a component has in place of the template's three names of jobs."""


def documents(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    spec, jobs = yaml.safe_load_all((ROOT / path).read_text())
    return spec["spec"]["inputs"], jobs


def component(kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return documents(f"templates/{KINDS[kind]}/template.yml")


def template_job(jobs: dict[str, Any], kind: str) -> dict[str, Any]:
    """The ready job with what it extends, as GitLab merges them."""
    job, merged, variables = jobs[f"$[[ inputs.{kind}-job ]]"], {}, {}
    chain = [job]
    while "extends" in chain[-1]:
        chain.append(jobs[chain[-1]["extends"]])
    for each in reversed(chain):
        merged |= {name: value for name, value in each.items() if name != "extends"}
        variables |= each.get("variables", {})
    return {**merged, "variables": variables}


@pytest.mark.parametrize("kind", KINDS)
def test_component__is_the_templates_job(kind: str) -> None:
    _, jobs = component(kind)
    _, template = documents(".gitlab-ci-template.yml")

    assert jobs == {"$[[ inputs.job-name ]]": template_job(template, kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_component__inputs_are_the_templates(kind: str) -> None:
    inputs, jobs = component(kind)
    template, _ = documents(".gitlab-ci-template.yml")

    assert set(inputs) == set(re.findall(r"inputs\.([\w-]+)", yaml.safe_dump(jobs)))
    assert inputs["job-name"]["default"] == KINDS[kind]
    for name in set(inputs) - OWN - {"image", "job-stage"}:
        assert inputs[name] == template[name], name


@pytest.mark.parametrize("kind", KINDS)
def test_component__its_image_is_of_this_version(kind: str) -> None:
    inputs, _ = component(kind)

    assert inputs["image"]["default"].endswith(f"/studio-action:{studio_action.__version__}")
