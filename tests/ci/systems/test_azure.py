from __future__ import annotations

import io
from pathlib import Path

import pytest

from studio_action.ci.systems.azure import Azure
from tests.ci.conftest import Desks
from tests.ci.readers import azure_commands


def test_lines(desk: Desks) -> None:
    at = desk("azure", debug=True)

    with at.platform.group("Downloading"):
        at.platform.debug("why")
    at.platform.warning("10% left")
    at.platform.error("it failed")

    assert at.log == (
        "##[group]Downloading\n"
        "##[debug]why\n"
        "##[endgroup]\n"
        "##vso[task.logissue type=warning]10%AZP25 left\n"
        "##vso[task.logissue type=error]it failed\n"
    )


@pytest.mark.parametrize(
    "value",
    ["v1.0.0", "", "50%AZP25", "two\nlines", "a]b;c", "x##vso[task.complete result=Failed;]"],
    ids=["plain", "empty", "percent", "lines", "property marks", "command"],
)
def test_publish__for_this_job_and_for_later_ones(desk: Desks, value: str) -> None:
    at = desk("azure")

    at.platform.publish({"version": value, "files": "[]"}, "MODEL_")

    assert azure_commands(at.log) == [
        ("task.setvariable", "variable=MODEL_VERSION", value),
        ("task.setvariable", "variable=MODEL_VERSION;isOutput=true", value),
    ]


def test_summarize__page_of_its_own(desk: Desks) -> None:
    stream = io.StringIO()

    Azure(stream, desk.job, fresh=lambda: "1234").summarize("# One\n")

    [(command, _, path)] = azure_commands(stream.getvalue())
    assert command == "task.uploadsummary"
    assert path == str(desk.job.workspace / ".studio-action" / "summary-1234.md")
    assert Path(path).read_text() == "# One\n"


def test_summarize__failure_is_but_a_warning(desk: Desks) -> None:
    at = desk("azure")
    at.job.workspace.rmdir()

    at.platform.summarize("# One\n")

    assert "there is no summary" in at.log
