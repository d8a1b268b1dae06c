from __future__ import annotations

from threading import Lock

from studio_action.run.held_platform import HeldPlatform, replay
from tests.fakes import RecordingPlatform


def test_held__lines_come_later_and_secrets_are_masked_at_once() -> None:
    platform = RecordingPlatform()
    held = HeldPlatform(platform, Lock())

    held.mask("5ec2e7")
    held.info("before")
    with held.group("Resolving"):
        held.warning("old")
        held.debug("detail")
    held.error("after")
    assert (platform.lines, platform.secrets) == ([], ["5ec2e7"])

    lines = held.take()
    replay(lines, platform)

    assert platform.lines == [
        ("info", "before"),
        ("group", "Resolving"),
        ("warning", "old"),
        ("debug", "detail"),
        ("error", "after"),
    ]
    assert held.take() == []


def test_replay__a_group_ends_where_it_ended() -> None:
    """Another group may begin then: groups do not nest."""
    held = HeldPlatform(RecordingPlatform(), Lock())
    for title in ("first", "second"):
        with held.group(title):
            held.info(f"in {title}")
    held.info("outside")

    assert [kind for kind, _ in held.take()] == [
        "group",
        "info",
        "end",
        "group",
        "info",
        "end",
        "info",
    ]
