from __future__ import annotations

import math
from typing import cast

from studio_action.download.agenda import MOST_OPEN, MOST_SUMMING, Agenda
from studio_action.download.answers import Asked
from studio_action.download.incoming import FIRST_PART, Again, Incoming, Store
from studio_action.download.parts import Lanes
from studio_action.model.artifact import RemoteFile

MIB = 1 << 20


def begin(index: int) -> Incoming:
    """A file that touches no disk as long as nothing is written."""
    return Incoming(index, RemoteFile(f"f{index}", "https://host/key"), cast(Store, None))


def large(agenda: Agenda, index: int) -> Incoming:
    """A file of which the first part is there, and more is to come."""
    incoming = agenda.begin(index)
    incoming.size, incoming.proven = 100 * MIB, True
    agenda.reopen(incoming)
    return incoming


def agenda_of(*waiting: int) -> Agenda:
    agenda = Agenda(begin)
    for index in waiting:
        agenda.wait(index)
    return agenda


def asked(agenda: Agenda, *, busy: int, now: float = 0.0) -> tuple[int, Asked] | None:
    found = agenda.next(Lanes(16), busy, now)
    return found and (found[0].index, found[1])


def test_next__in_the_order_asked_for() -> None:
    agenda = agenda_of(0, 1)

    assert [asked(agenda, busy=0) for _ in range(3)] == [(0, FIRST_PART), (1, FIRST_PART), None]


def test_next__more_of_a_large_file_before_another_one() -> None:
    agenda = agenda_of(5)
    large(agenda, 3)
    large(agenda, 2)

    found = asked(agenda, busy=7)

    assert found == (2, Asked(0, 100 * MIB // 16, 100 * MIB, ""))


def test_next__others_where_parts_have_their_share() -> None:
    agenda = agenda_of(5)
    large(agenda, 2)

    assert asked(agenda, busy=8) == (5, FIRST_PART)


def test_next__not_too_many_at_a_time() -> None:
    agenda = agenda_of(9)
    for index in range(MOST_OPEN):
        large(agenda, index)

    assert asked(agenda, busy=8) is None


def test_next__not_too_far_ahead_of_the_hashing() -> None:
    agenda = agenda_of(9)
    agenda.summing = MOST_SUMMING

    assert asked(agenda, busy=0) is None


def test_next__not_before_its_time() -> None:
    agenda = agenda_of()
    incoming = large(agenda, 0)
    incoming.retries[0] = Again(1, 50.0)

    assert (asked(agenda, busy=0, now=49.0), agenda.next_due(49.0)) == (None, 50.0)
    assert asked(agenda, busy=0, now=50.0) is not None
    assert agenda.next_due(50.0) == math.inf


def test_done() -> None:
    agenda = agenda_of()
    agenda.done(large(agenda, 0))

    assert (agenda.open, agenda.begun) == (False, {})
