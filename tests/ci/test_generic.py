from __future__ import annotations

import io
import json

from studio_action.ci.generic import Generic
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
        "size": "3",
    }


def test_publish__control_characters_do_not_reach_a_terminal(desk: Desks) -> None:
    at = desk("generic")

    at.platform.publish({"path": "\x1b]0;title\x07\x9b\u202e"}, "MODEL_")

    assert at.stdout.getvalue().isascii()
    assert "\x1b" not in at.stdout.getvalue()


def test_info__takes_the_place_of_the_bar_on_a_terminal(desk: Desks) -> None:
    terminal = Terminal()

    Generic(terminal, desk.job, io.StringIO()).info("one")

    assert terminal.getvalue() == "\r\x1b[Kone\n"


def test_summarize__nowhere(desk: Desks) -> None:
    at = desk("generic")

    at.platform.summarize("# One\n")

    assert at.written() == "\n"
