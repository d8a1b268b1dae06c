from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from studio_action.model.artifact import ArtifactRef, AtStage, ModelName, Resolution
from studio_action.model.plan import Filters
from studio_action.model.tagging import Tagging
from studio_action.outputs import details
from studio_action.outputs.manifest import Download, FileRecord

NOW = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)
DAY = 86400


def ago(days: int) -> Tagging:
    return Tagging("churn#prod", "Ada", int(NOW.timestamp()) - days * DAY)


RESOLUTION = Resolution(
    ArtifactRef("acme/churn", ModelName("churn")),
    AtStage("prod"),
    "git",
    (),
    registered=ago(60),
    assigned=ago(3),
)


def test_of_resolution() -> None:
    held = tuple((f"v{5 - count}.0.0", ago(3 + 30 * count)) for count in range(5))

    assert details.of_resolution(replace(RESOLUTION, holders=held), NOW) == {
        "registered": "Ada, 2026-01-03 12:00 UTC (2 months ago)",
        "assigned": "Ada, 2026-03-01 12:00 UTC (3 days ago)",
        "stage history": "v5.0.0 (3 days ago), v4.0.0 (1 month ago), v3.0.0 (2 months ago), 2 more",
    }


def test_of_resolution__only_what_is_known() -> None:
    first = (("v1.0.0", ago(3)),)

    assert "stage history" not in details.of_resolution(replace(RESOLUTION, holders=first), NOW)
    assert not details.of_resolution(replace(RESOLUTION, registered=None, assigned=None), NOW)


def test_of_resolution__a_tag_of_tomorrow_has_no_age() -> None:
    tomorrow = replace(RESOLUTION, registered=None, assigned=ago(-1))

    assert details.of_resolution(tomorrow, NOW) == {"assigned": "Ada, 2026-03-05 12:00 UTC"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (2 * DAY, "2 days ago"),
        (30 * DAY, "1 month ago"),
        (365 * DAY, "1 year ago"),
        (-1, ""),
    ],
)
def test_age(seconds: int, text: str) -> None:
    assert details.age(seconds) == text


def test_of_download__speed() -> None:
    file = FileRecord("a.pkl", "a.pkl", 3000, "0" * 32, "0" * 64, "md5", "storage")
    done = Download(RESOLUTION, ".", None, Filters((), ()), (file,), 3000, NOW, 2.0)
    kept = replace(done, files=(replace(file, origin="workspace"),), transferred=0)

    assert details.of_download(done, NOW)["downloaded"] == "3.0 kB in 2.0 s (1.5 kB/s)"
    assert details.of_download(kept, NOW)["downloaded"] == "nothing: all files were there"
