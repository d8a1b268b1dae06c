from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio_action.ci.job import Job
from studio_action.inputs.config import Download, RunConfig
from studio_action.inputs.lookup import Inputs
from studio_action.model.tagging import Tagging
from studio_action.run import job_page
from studio_action.run.context import RunContext
from tests.fakes import RecordingPlatform
from tests.run.test_download import Case

REVISION = "c0ffee" * 6 + "abcd"
ADA = Tagging("models=churn#prod#1", "Ada", 0)


def shown(workspace: Path, given: dict[str, str], **resolved: Any) -> list[tuple[str, str]]:
    """What the job's page gets of a download whose registry said `resolved`."""
    inputs = Inputs({"model": "churn", "repo": "acme/models", "source": "git", **given}, {})
    config = RunConfig.from_inputs("download-model", inputs, Job("generic", workspace))
    assert isinstance(config.task, Download)
    platform = RecordingPlatform()
    delivered = Case(workspace, resolved=resolved).run()
    job_page.show(config.task, delivered, RunContext(config, platform))
    return platform.lines


def test_show__leads_to_the_commit_in_the_words_of_a_deploy(workspace: Path) -> None:
    lines = shown(workspace, {}, version="v1.0.0", revision=REVISION, assigned=ADA)

    assert lines[0] == (
        "link",
        "models:churn v1.0.0 in prod (Ada, 1970-01-01 00:00 UTC)"
        f" https://github.com/acme/models/commit/{REVISION}",
    )
    assert [kind for kind, _ in lines] == ["link", "summary"]


def test_show__without_a_commit_there_is_no_link(workspace: Path) -> None:
    assert [kind for kind, _ in shown(workspace, {})] == ["summary"]


@pytest.mark.parametrize("broken", [True, False])
def test_show__the_last_deploy_may_be_another_jobs(workspace: Path, broken: bool) -> None:
    """`previous-manifest` names its record; one that an older version wrote is no failure."""
    record = Case(workspace).run(dest=Path("elsewhere")).records["manifest"]
    text = (workspace / record).read_text()
    (workspace / "earlier.json").write_text(text.replace(":v1", ":v0") if broken else text)

    lines = shown(workspace, {"previous-manifest": "earlier.json"})

    assert ("Since the last deploy" in lines[-1][1]) is not broken
