from __future__ import annotations

import io
import re

import pytest

from studio_action.ci.systems.gitlab import GitLab
from studio_action.errors import WorkspaceRefused
from tests.ci.conftest import Desks
from tests.ci.readers import gitlab_annotations, gitlab_dotenv

OUTPUTS = {
    "path": "models/churn.pkl",
    "files": '["models/churn.pkl"]',
    "model": "churn",
    "version": "v1.0.0",
    "stage": "",
}


def test_group__section(desk: Desks) -> None:
    stream = io.StringIO()
    platform = GitLab(stream, desk.job, now=lambda: 1_700_000_000.4)

    with platform.group("Downloading 3 files"):
        platform.info("one")

    assert stream.getvalue() == (
        "\x1b[0Ksection_start:1700000000:downloading_3_files[collapsed=true]\r"
        "\x1b[0KDownloading 3 files\n"
        "one\n"
        "\x1b[0Ksection_end:1700000000:downloading_3_files\r\x1b[0K\n"
    )


def test_group__title_without_a_word(desk: Desks) -> None:
    at = desk("gitlab")

    with at.platform.group("…"):
        pass

    assert re.search(r"section_start:\d+:section\[", at.log)


def test_publish__dotenv_report(desk: Desks) -> None:
    at = desk("gitlab")

    at.platform.publish(OUTPUTS, "MODEL_")

    assert gitlab_dotenv(at.state("outputs.env").read_bytes()) == {
        "MODEL_PATH": "models/churn.pkl",
        "MODEL_MODEL": "churn",
        "MODEL_VERSION": "v1.0.0",
    }
    assert at.state(".gitignore").read_text() == "*\n"


def test_publish__value_that_dotenv_cannot_carry_spoils_nothing(desk: Desks) -> None:
    at = desk("gitlab", debug=True)

    at.platform.publish({"path": "a\nMODEL_VERSION=v9", "version": "v1.0.0"}, "MODEL_")

    assert gitlab_dotenv(at.state("outputs.env").read_bytes()) == {"MODEL_VERSION": "v1.0.0"}
    assert "MODEL_PATH is left out" in at.log


def test_publish__second_step_adds_and_overwrites(desk: Desks) -> None:
    first = desk("gitlab")
    first.platform.publish(OUTPUTS | {"stage": "prod"}, "MODEL_")

    second = first.next_step()
    second.platform.publish({"project-id": "tsanhawn9y"}, "PROJECT_")
    second.platform.publish({"version": "v2.0.0", "stage": ""}, "MODEL_")

    assert gitlab_dotenv(second.state("outputs.env").read_bytes()) == {
        "MODEL_PATH": "models/churn.pkl",
        "MODEL_MODEL": "churn",
        "PROJECT_ID": "tsanhawn9y",
        "MODEL_VERSION": "v2.0.0",
    }


def test_publish__report_that_is_full(desk: Desks) -> None:
    at = desk("gitlab")

    at.platform.publish({f"one-{n}": "x" for n in range(15)}, "MODEL_")
    at.platform.publish({f"two-{n}": "x" for n in range(15)}, "PROJECT_")

    found = gitlab_dotenv(at.state("outputs.env").read_bytes())
    assert len(found) == 20
    assert "PROJECT_TWO_14 is left out: the dotenv report is full" in at.log


def test_publish__foreign_lines_of_the_report_do_not_spoil_it(desk: Desks) -> None:
    at = desk("gitlab")
    at.state("outputs.env").parent.mkdir()
    at.state("outputs.env").write_text("# a comment\n\nMINE=1\nexport B=2\n")

    at.platform.publish({"version": "v1.0.0"}, "MODEL_")

    assert gitlab_dotenv(at.state("outputs.env").read_bytes()) == {
        "MINE": "1",
        "MODEL_VERSION": "v1.0.0",
    }


def test_publish__workspace_is_gone(desk: Desks) -> None:
    at = desk("gitlab")
    at.job.workspace.rmdir()

    with pytest.raises(WorkspaceRefused):
        at.platform.publish(OUTPUTS, "MODEL_")


def test_link__annotations_report(desk: Desks) -> None:
    first = desk("gitlab")
    first.platform.link("Project churn", "https://studio.org/p/churn")

    second = first.next_step()
    second.platform.link("Project churn", "https://studio.org/p/churn")
    second.platform.link("Project fraud", "https://user:pass@studio.org/p/fraud")

    assert gitlab_annotations(second.state("annotations.json").read_text()) == [
        ("Project churn", "https://studio.org/p/churn"),
        ("Project fraud", "https://studio.org/p/fraud"),
    ]


@pytest.mark.parametrize(
    "left", ["not JSON", "[]", '{"studio-action": 1}', "\udcff"], ids=["text", "list", "1", "bytes"]
)
def test_link__report_that_cannot_be_read(desk: Desks, left: str) -> None:
    at = desk("gitlab")
    at.state("annotations.json").parent.mkdir()
    at.state("annotations.json").write_text(left, errors="surrogateescape")

    at.platform.link("Project", "https://studio.org/p")

    assert gitlab_annotations(at.state("annotations.json").read_text()) == [
        ("Project", "https://studio.org/p")
    ]


def test_link__not_for_the_web(desk: Desks) -> None:
    at = desk("gitlab")

    at.platform.link("Project", "javascript:alert(1)")

    assert not at.state("annotations.json").exists()


def test_link__failure_is_but_a_warning(desk: Desks) -> None:
    at = desk("gitlab")
    at.job.workspace.rmdir()

    at.platform.link("Project", "https://studio.org/p")

    assert "the job's page gets no link" in at.log
