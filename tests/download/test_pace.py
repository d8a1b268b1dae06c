from __future__ import annotations

from studio_action.download.pace import Pace


def test_due__once_in_a_while() -> None:
    pace = Pace(0.0)

    assert [pace.due("x", now, 1.0) for now in (0.0, 0.9, 1.0, 1.5, 2.1)] == [
        False,
        False,
        True,
        False,
        True,
    ]


def test_due__each_for_itself() -> None:
    pace = Pace(0.0)
    pace.due("x", 0.0, 1.0)
    pace.due("y", 0.5, 1.0)

    assert (pace.due("x", 1.0, 1.0), pace.due("y", 1.0, 1.0)) == (True, False)


def test_rate() -> None:
    pace = Pace(0.0)
    found = [pace.rate(arrived, now, 1.0) for arrived, now in ((5, 0.5), (10, 1.0), (40, 3.0))]

    assert found == [None, None, 15.0], "the first second is not counted: connections open"


def test_rate__a_connection_was_idle() -> None:
    pace = Pace(0.0)
    pace.rate(10, 1.0, 1.0)
    pace.busy(False)
    pace.busy(True)

    assert pace.rate(40, 3.0, 1.0) is None
