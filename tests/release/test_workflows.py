"""The workflows that make a release, on GitHub and on GitLab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

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
