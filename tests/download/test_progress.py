from __future__ import annotations

from studio_action.download.progress import ProgressReporter, Totals
from tests.download.conftest import Heard


def test_totals__what_was_known_of_a_file_is_replaced() -> None:
    totals = Totals()
    totals.update("a", 10, 0)
    totals.update("b", 5, 5)
    totals.update("a", 12, 7)

    assert (totals.expected, totals.arrived) == (17, 12)


def test_reporter__tells_the_difference() -> None:
    heard, totals = Heard(), Totals()
    reporter = ProgressReporter(heard)
    totals.update("a", 10, 8)
    reporter.report(totals)
    reporter.report(totals)
    assert heard == Heard(10, 8, 0)
    totals.update("a", 10, 2)
    totals.finished = 2
    reporter.report(totals)

    assert heard == Heard(10, 2, 2)


def test_reporter__tells_once_which_files_wait() -> None:
    heard, totals, seconds = Heard(), Totals(), [100.0]
    reporter = ProgressReporter(heard, str, lambda: seconds[0])
    totals.update("done", 5, 5)
    totals.update("not begun", 7, 0)
    totals.update("half", 2_000_000, 1_000_000)
    for number in range(20):
        totals.update(f"many {number:02}", 100, 60)
    reporter.report(totals)
    seconds[0] += 9.9
    reporter.report(totals)
    assert heard.stalls == []

    seconds[0] += 0.1
    reporter.report(totals)
    seconds[0] += 60
    reporter.report(totals)

    (lines,) = heard.stalls
    assert lines[:2] == ["half: 1.0 MB of 2.0 MB", "many 00: 60 B of 100 B"]
    assert len(lines) == 10


def test_reporter__tells_again_after_bytes_came() -> None:
    heard, totals, seconds = Heard(), Totals(), [0.0]
    reporter = ProgressReporter(heard, str, lambda: seconds[0])
    totals.update("a", 3, 0)
    for arrived in (0, 1, 1):
        seconds[0] += 10
        totals.update("a", 3, arrived)
        reporter.report(totals)

    assert heard.stalls == [["a: 0 B of 3 B"], ["a: 1 B of 3 B"]]
