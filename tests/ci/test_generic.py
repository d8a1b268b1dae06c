from __future__ import annotations

import io
import json

import pytest

from studio_action.ci.generic import Generic
from studio_action.ci.platforms import platform_for
from studio_action.ci.results import Results
from tests.ci.conftest import Desks
from tests.ci.test_progress import Terminal


def test_publish__stdout_is_one_json_object(desk: Desks) -> None:
    at = desk("generic")

    with at.platform.group("Downloading"):
        at.platform.info("one")
    at.platform.warning("careful")
    at.platform.error("it failed")
    at.platform.publish({"version": "v1.0.0", "files": '["é", "b"]', "size": "3"}, "MODEL_")

    assert at.stderr.getvalue() == "Downloading\none\nwarning: careful\nerror: it failed\n"
    assert json.loads(at.stdout.getvalue()) == {
        "version": "v1.0.0",
        "files": ["é", "b"],
        "size": 3,
    }


def test_publish__control_characters_do_not_reach_a_terminal(desk: Desks) -> None:
    at = desk("generic")

    at.platform.publish({"path": "\x1b]0;title\x07\x9b\u202e"}, "MODEL_")

    assert at.stdout.getvalue().isascii()
    assert "\x1b" not in at.stdout.getvalue()


def test_info__takes_the_place_of_the_bar_on_a_terminal(desk: Desks) -> None:
    terminal = Terminal()

    Generic(terminal, desk.job, Results(io.StringIO())).info("one")

    assert terminal.getvalue() == "\r\x1b[Kone\n"


@pytest.mark.parametrize(
    ("stream", "plain", "coloured"),
    [(Terminal(), False, True), (Terminal(), True, False), (io.StringIO(), False, False)],
    ids=["terminal", "NO_COLOR", "pipe"],
)
def test_error__in_colour_on_a_terminal_alone(
    desk: Desks, stream: io.StringIO, plain: bool, coloured: bool
) -> None:
    platform_for(desk.job, stdout=io.StringIO(), stderr=stream, plain=plain).error("it failed")

    assert ("\x1b[31" in stream.getvalue()) is coloured


def test_quiet__only_warnings_and_errors(desk: Desks) -> None:
    for system in ("generic", "github", "gitlab", "azure"):
        at = desk(system, quiet=True, debug=False)
        with at.platform.group("Downloading"):
            at.platform.info("one")
            at.platform.debug("two")
            at.platform.warning("careful")
        assert len(at.log.splitlines()) == 1
        assert "careful" in at.log


def test_summarize__nowhere(desk: Desks) -> None:
    at = desk("generic")

    at.platform.summarize("# One\n")

    assert at.written() == "\n"
