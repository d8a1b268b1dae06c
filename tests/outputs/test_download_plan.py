from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from studio_action.outputs import download_plan, summary
from studio_action.outputs.download_plan import MOST_LINES, DownloadPlan, PlannedFile

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
FILES = (
    PlannedFile("m/a", 4_000_000, "fetch"),
    PlannedFile("m/b", 2_000_000, "replace", "bert"),
    PlannedFile("m/c", 10, "keep"),
    PlannedFile("m/d", 20, "remove"),
)


def plan(**more: object) -> DownloadPlan:
    given: dict[str, object] = {"files": FILES, "now": NOW, **more}
    return DownloadPlan(**given)  # type: ignore[arg-type]


def test_lines__say_what_would_be_done() -> None:
    assert list(download_plan.lines(plan())) == [
        "fetch m/a, 4.0 MB",
        "replace m/b, 2.0 MB (bert)",
        "keep m/c, 10 B",
        "remove m/d, 20 B",
        "1 to fetch, 1 to replace, 1 to keep, 1 to remove. To download: 6.0 MB",
    ]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"speed": 2e6}, "Measured speed: 2.0 MB/s. The download takes about 3.0 s"),
        ({"expires": NOW + timedelta(minutes=5)}, "The URLs expire in 5 min 00 s"),
        ({"expires": NOW - timedelta(minutes=5)}, "The URLs expire in 0 ms"),
        (
            {"speed": 1e6, "expires": NOW + timedelta(seconds=5)},
            "The URLs expire in 5.0 s, while the download runs: they are renewed then",
        ),
        ({"free": 9_000_000_000}, "Free disk space: 9.0 GB, needed: 6.0 MB"),
    ],
)
def test_lines__what_it_would_take(more: dict[str, object], line: str) -> None:
    assert line in download_plan.lines(plan(**more))


def test_lines__a_size_that_nobody_tells() -> None:
    unknown = plan(files=(PlannedFile("m/a", None, "fetch"),))

    assert list(download_plan.lines(unknown)) == [
        "fetch m/a, size unknown",
        "1 to fetch. To download: 0 B, and 1 of unknown size",
    ]


def test_lines__of_very_many_files_the_first() -> None:
    many = tuple(PlannedFile(f"m/{number}", 1, "fetch") for number in range(MOST_LINES + 5))

    assert "and 5 more" in download_plan.lines(plan(files=many))


@pytest.mark.parametrize(("free", "fits"), [(None, True), (6_000_000, True), (5_999_999, False)])
def test_fits(free: int | None, fits: bool) -> None:
    assert plan(free=free).fits is fits


def test_document() -> None:
    whole = plan(speed=2e6, expires=NOW + timedelta(seconds=1), free=5)

    assert json.loads(download_plan.document(whole)) == {
        "fetch": {"files": 1, "bytes": 4_000_000},
        "replace": {"files": 1, "bytes": 2_000_000},
        "keep": {"files": 1, "bytes": 10},
        "remove": {"files": 1, "bytes": 20},
        "bytes-per-second": 2_000_000,
        "seconds": 3.0,
        "urls-expire": "2026-03-01T12:00:01.000Z",
        "urls-expire-too-early": True,
        "free-bytes": 5,
        "fits": False,
        "files": [
            {"path": "m/a", "size": 4_000_000, "action": "fetch"},
            {"path": "m/b", "size": 2_000_000, "action": "replace", "model": "bert"},
            {"path": "m/c", "size": 10, "action": "keep"},
            {"path": "m/d", "size": 20, "action": "remove"},
        ],
    }


def test_summary__names_from_outside_add_no_markup() -> None:
    page = summary.of_plan(plan(files=(PlannedFile("m/[a](http://x)|<b>\n# h", 1, "fetch"),)))

    assert "](" not in page
    assert "<b>" not in page
    assert "\n# h" not in page
