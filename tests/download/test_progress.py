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
