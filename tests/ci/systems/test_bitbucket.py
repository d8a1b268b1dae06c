from __future__ import annotations

from tests.ci.conftest import Desks


def test_publish__lines_that_the_file_can_carry(desk: Desks) -> None:
    at = desk("bitbucket")
    at.outputs.write_text("EARLIER=1\n")

    at.platform.publish(
        {"version": "v1.0.0", "files": '["a"]', "stage": "", "path": "a\nFORGED=1"}, "MODEL_"
    )

    assert at.outputs.read_text() == "EARLIER=1\nMODEL_VERSION=v1.0.0\n"


def test_error__in_colour(desk: Desks) -> None:
    at = desk("bitbucket")

    at.platform.error("it failed")

    assert at.log == "\x1b[31;1merror: it failed\x1b[0m\n"
