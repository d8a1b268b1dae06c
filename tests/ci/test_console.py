"""What holds on every CI system: nothing from outside is a command, no secret is written."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.ci.platforms import known_systems
from studio_action.text import escape_markup
from tests.ci.conftest import Desks
from tests.ci.readers import azure_commands, github_commands

SYSTEMS = (*(each.name for each in known_systems()), "generic")

every_system = pytest.mark.parametrize("system", SYSTEMS)

SECRET = "isat_0123456789abcdef"


@every_system
def test_hide__secret_is_nowhere(desk: Desks, system: str) -> None:
    at = desk(system, debug=True)
    platform = at.platform

    platform.mask(SECRET)
    with platform.group(f"group {SECRET}"):
        platform.debug(f"debug {SECRET}")
        platform.info(f"info {SECRET}")
    platform.warning(f"warning {SECRET}")
    platform.error(f"error {SECRET}")
    platform.link(f"label {SECRET}", f"https://host.org/{SECRET}")
    platform.publish({"path": SECRET, "files": f'["{SECRET}"]'}, "MODEL_")
    platform.summarize(f"{SECRET} and <code>{escape_markup(SECRET)}</code>\n")

    written = at.written().replace(f"::add-mask::{SECRET}\n", "")
    assert SECRET not in written
    assert escape_markup(SECRET) not in written
    assert "info ***" in written


@every_system
@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("first-line\nsecond-line", "has second-line", "has ***"),
        ("  padded  ", "has padded", "has ***"),
        ("abc", "abc stays", "abc stays"),
        ("long\nab", "ab stays", "ab stays"),
        ("", "all stays", "all stays"),
    ],
    ids=["each line", "white space", "too short", "a line too short", "empty"],
)
def test_hide__which_secrets(desk: Desks, system: str, secret: str, text: str, shown: str) -> None:
    platform = desk(system).platform

    platform.mask(secret)

    assert platform.hide(text) == shown


@every_system
def test_hide__secret_that_begins_like_another(desk: Desks, system: str) -> None:
    platform = desk(system).platform

    platform.mask("abcd")
    platform.mask("abcdefgh")

    assert platform.hide("abcdefgh abcd") == "*** ***"


@pytest.mark.parametrize("system", [each for each in SYSTEMS if each != "github"])
def test_mask__prints_nothing(desk: Desks, system: str) -> None:
    at = desk(system)

    at.platform.mask(SECRET)

    assert at.written() == "\n"


@every_system
def test_debug__only_where_it_is_on(desk: Desks, system: str) -> None:
    quiet, loud = desk(system), desk(system, debug=True)

    quiet.platform.debug("what was asked")
    loud.platform.debug("what was asked")

    assert quiet.log == ""
    assert loud.log.endswith("what was asked\n")


@every_system
def test_link__without_user_info_and_query(desk: Desks, system: str) -> None:
    at = desk(system)

    at.platform.link("Project", "https://user:pass@host.org/p?q=1")

    assert at.log == "Project: https://host.org/p\n"


@pytest.mark.parametrize("system", ["bitbucket", "circleci", "github"])
def test_publish__system_named_no_file(desk: Desks, system: str) -> None:
    at = desk(system, output_file=None)

    at.platform.publish({"version": "v1.0.0"}, "MODEL_")

    assert "gave no file for outputs" in at.log


OURS = {
    "github": {"group", "endgroup", "warning", "error", "debug"},
    "azure": {"task.logissue"},
}

hostile = st.text(st.characters()) | st.lists(
    st.sampled_from(
        [
            "",
            "::",
            "error",
            "add-mask",
            "##",
            "[",
            "]",
            "vso[task.complete]",
            "teamcity[x]",
            " ",
            "section_start:",
            "section_end:",
            "1:x",
            "\r",
            "\n",
            "\x1b[0K",
            "\x85",
            "\u2028",
            "%0A",
        ]
    )
).map("".join)


@every_system
@given(text=hostile)
def test_lines__text_from_outside_is_no_command(system: str, text: str) -> None:
    with TemporaryDirectory() as folder:
        at = Desks(Path(folder))(system, debug=True)
        with at.platform.group(text):
            at.platform.info(text)
        at.platform.debug(text)
        at.platform.warning(text)
        at.platform.error(text)
        log = at.log

    lines = log.removesuffix("\n").split("\n")
    assert len(lines) == len(re.split(r"[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", log)) - 1
    assert {name for name, _ in github_commands(log)} <= OURS.get(system, set()) | AZURE_FOLDS
    assert {name for name, _, _ in azure_commands(log)} <= OURS.get(system, set())
    if system != "gitlab":
        assert "section_start:" not in log
        assert "\r" not in log
    assert "##teamcity[" not in log


AZURE_FOLDS = {"group", "endgroup", "debug"}
