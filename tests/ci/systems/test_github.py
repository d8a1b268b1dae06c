from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.ci.systems import github
from studio_action.errors import WorkspaceRefused
from tests.ci.conftest import Desks
from tests.ci.readers import github_commands, github_file


def test_mask__each_long_line_is_a_command_of_its_own(desk: Desks) -> None:
    at = desk("github")

    at.platform.mask("first%line\nab\n  second\r\n")

    assert at.log == "::add-mask::first%25line\n::add-mask::second\n"


def test_mask__once_is_enough(desk: Desks) -> None:
    at = desk("github")

    at.platform.mask("s3cr3t")
    at.platform.mask("s3cr3t")
    at.platform.mask("s3cr3t-and-more")

    assert at.log == "::add-mask::s3cr3t\n::add-mask::s3cr3t-and-more\n"


def test_mask__nothing_is_no_command(desk: Desks) -> None:
    at = desk("github")

    at.platform.mask("")

    assert at.log == ""


def test_annotations(desk: Desks) -> None:
    at = desk("github", debug=True)

    at.platform.debug("10% of\nit")
    at.platform.warning("10% of\nit")
    at.platform.error("10% of\nit")

    assert at.log == (
        "::debug::10%25 of it\n"
        "::warning title=studio-action::10%25 of it\n"
        "::error title=studio-action::10%25 of it\n"
    )


def test_group__ends_where_an_error_leaves_it(desk: Desks) -> None:
    at = desk("github")

    with pytest.raises(WorkspaceRefused), at.platform.group("Downloading churn"):
        raise WorkspaceRefused("no space")

    assert github_commands(at.log) == [("group", "Downloading churn"), ("endgroup", "")]


def test_publish__names_as_they_are(desk: Desks) -> None:
    at = desk("github")
    outputs = {"version": "v1.0.0", "stage": "", "file-count": "2", "files": '["a b", "c"]'}

    at.platform.publish(outputs, "MODEL_")

    assert github_file(at.outputs.read_text()) == outputs
    assert at.log == ""


def test_publish__after_another_steps_unfinished_line(desk: Desks) -> None:
    at = desk("github")
    at.outputs.write_text("earlier=1")

    at.platform.publish({"version": "v1.0.0"}, "MODEL_")

    assert github_file(at.outputs.read_text()) == {"earlier": "1", "version": "v1.0.0"}


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,9}", fullmatch=True), st.text(st.characters()))
)
def test_publish__any_value_comes_back_and_forges_no_other(outputs: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        at = Desks(Path(folder))("github")
        at.platform.publish(outputs, "MODEL_")
        found = at.outputs.read_bytes().decode() if outputs else ""

    surrogates_shown = {k: v.encode(errors="backslashreplace").decode() for k, v in outputs.items()}
    assert github_file(found) == surrogates_shown


def test_publish__more_than_a_job_may_put_out(desk: Desks) -> None:
    at = desk("github")
    long = json.dumps(["é" * 600_000], ensure_ascii=False)

    at.platform.publish({"version": "v1.0.0", "files": long, "stage": "prod"}, "MODEL_")

    assert github_file(at.outputs.read_text()) == {"version": "v1.0.0", "stage": "prod"}
    assert "output files is left out" in at.log


def test_publish__folder_in_the_way(desk: Desks) -> None:
    at = desk("github")
    at.outputs.mkdir()

    with pytest.raises(WorkspaceRefused):
        at.platform.publish({"version": "v1.0.0"}, "MODEL_")


@pytest.mark.parametrize(
    ("name", "value"), [("fence-name", "x"), ("x", "a\nfence\nb")], ids=["name", "value"]
)
def test_entry__fence_that_occurs_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="fence"):
        github.entry(name, value, "fence")


def test_summarize__adds_to_the_page(desk: Desks) -> None:
    at = desk("github")

    at.platform.summarize("# One\n")
    at.platform.summarize("# Two\n")

    assert at.summary.read_text() == "# One\n# Two\n"


def test_summarize__never_over_the_cap(desk: Desks) -> None:
    at = desk("github")
    at.summary.write_text("x" * 1000)

    at.platform.summarize("| é |\n" * 200_000)

    written = at.summary.read_bytes()
    assert 1_048_000 < len(written) <= 1_048_576
    assert written.decode().endswith("| é |\n\nThe summary is longer than a summary page may be;"
                                     " the rest is left out.\n")  # fmt: skip


@pytest.mark.parametrize("room", [-5, 0, 1, 50, 79], ids=str)
def test_cut_summary__no_room(room: int) -> None:
    assert github.cut_summary("a line\n" * 50, room) == ""


@given(st.text(), st.integers(0, 300))
def test_cut_summary__fits_with_a_byte_to_spare(markdown: str, room: int) -> None:
    cut = github.cut_summary(markdown, room).encode(errors="backslashreplace")

    assert len(cut) < max(room, 1)


def test_summarize__failure_is_but_a_warning(desk: Desks) -> None:
    at = desk("github")
    at.summary.mkdir()

    at.platform.summarize("# One\n")

    assert "::warning title=studio-action::there is no summary" in at.log


def test_summarize__no_page(desk: Desks) -> None:
    at = desk("github", summary_file=None)

    at.platform.summarize("# One\n")

    assert at.written() == "\n"
