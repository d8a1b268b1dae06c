"""The workflows that make a release, on GitHub and on GitLab."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from release.images import RECIPES

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github/workflows"


def workflow(name: str) -> Any:
    return yaml.load((WORKFLOWS / name).read_text(), yaml.BaseLoader)


def test_docs__are_published_by_the_release_itself() -> None:
    """What a job's token makes, such as a release, starts no workflow.

    https://docs.github.com/en/actions/concepts/security/github_token
    """
    called, jobs = workflow("docs.yml"), workflow("release.yml")["jobs"]

    assert "release" not in called["on"]
    assert set(called["on"]["workflow_call"]["inputs"]) == set(jobs["docs"]["with"])
    assert jobs["docs"]["uses"] == "./.github/workflows/docs.yml"
    assert "publish" in jobs["docs"]["needs"]
    assert jobs["docs"]["permissions"] == called["jobs"]["publish"]["permissions"]
    assert called["jobs"]["publish"]["if"] == "inputs.version"


def test_images__each_is_built_indexed_and_tagged_on_github() -> None:
    jobs, keys = workflow("release.yml")["jobs"], list(RECIPES)

    assert jobs["image"]["strategy"]["matrix"]["key"] == keys
    assert jobs["index"]["strategy"]["matrix"]["key"] == keys
    assert f"for key in {' '.join(keys)}; do" in (WORKFLOWS / "release.yml").read_text()


def test_images__each_is_built_indexed_and_tagged_on_gitlab() -> None:
    pipeline, keys = (ROOT / "release/gitlab.yml").read_text(), list(RECIPES)

    assert f"KEY: [{', '.join(keys)}]" in pipeline
    assert pipeline.count(f"for key in {' '.join(keys)}; do") == 2


def test_gitlab__no_image_is_whatever_is_newest() -> None:
    pipeline = (ROOT / "release/gitlab.yml").read_text()

    for image in re.findall(r"^ +image: (\S+)$", pipeline, re.MULTILINE):
        assert re.search(r":v\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$", image)
