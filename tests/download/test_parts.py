from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.download.parts import (
    LARGEST_PART,
    SMALLEST_PART,
    Span,
    gaps,
    joined,
    part_of,
)

MIB = 1 << 20


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([], (), id="nothing"),
        pytest.param([(0, 2), (2, 4)], ((0, 4),), id="touching"),
        pytest.param([(5, 9), (0, 2)], ((0, 2), (5, 9)), id="out of order"),
        pytest.param([(0, 9), (2, 4)], ((0, 9),), id="inside"),
        pytest.param([(3, 3)], (), id="empty"),
    ],
)
def test_joined(spans: list[tuple[int, int]], expected: tuple[tuple[int, int], ...]) -> None:
    assert joined(Span(*each) for each in spans) == tuple(Span(*each) for each in expected)


@pytest.mark.parametrize(
    ("spans", "missing"),
    [
        pytest.param([], [(0, 10)], id="all"),
        pytest.param([(0, 10)], [], id="none"),
        pytest.param([(2, 4)], [(0, 2), (4, 10)], id="both sides"),
        pytest.param([(0, 2), (8, 10)], [(2, 8)], id="middle"),
    ],
)
def test_gaps(spans: list[tuple[int, int]], missing: list[tuple[int, int]]) -> None:
    found = list(gaps((Span(*each) for each in spans), 10))

    assert found == [Span(*each) for each in missing]


@pytest.mark.parametrize(
    ("gap", "left", "end"),
    [
        pytest.param(Span(0, 1 << 30), 1 << 30, LARGEST_PART, id="far from the end"),
        pytest.param(Span(0, 32 * MIB), 32 * MIB, 2 * MIB, id="near the end"),
        pytest.param(Span(0, 4 * MIB), 4 * MIB, SMALLEST_PART, id="not too small"),
        pytest.param(Span(0, 5 * MIB // 4), 4 * MIB, 5 * MIB // 4, id="no tiny rest"),
        pytest.param(Span(7, 8), 1, 8, id="one byte"),
    ],
)
def test_part_of(gap: Span, left: int, end: int) -> None:
    assert part_of(gap, left=left, connections=8) == Span(gap.start, end)


@given(
    size=st.integers(1, 300 * MIB),
    connections=st.integers(1, 64),
    seed=st.integers(0, 1 << 32),
)
def test_plan__every_byte_once(size: int, connections: int, seed: int) -> None:
    """However requests end, in whatever order, each byte is written once, and all are in the end.

    This is the engine's own procedure: the first gap of what is neither there nor under way.
    """
    chances = random.Random(seed)
    have: tuple[Span, ...] = ()
    under_way: list[Span] = []
    written = 0
    while list(gaps(have, size)):
        taken = joined((*have, *under_way))
        gap = next(gaps(taken, size), None)
        if gap is not None and len(under_way) < connections:
            part = part_of(gap, left=size - sum(map(len, taken)), connections=connections)
            assert part.start == gap.start
            assert len(part) <= LARGEST_PART + SMALLEST_PART // 2
            under_way.append(part)
            continue
        span = under_way.pop(chances.randrange(len(under_way)))
        if chances.random() < 0.2:  # it breaks off somewhere
            span = Span(span.start, chances.randint(span.start, span.end))
        written += len(span)
        have = joined((*have, span))

    assert (have, written) == ((Span(0, size),), size)


@given(size=st.integers(1, 64 << 30), connections=st.integers(1, 256))
def test_plan__parts_near_the_end_shrink(size: int, connections: int) -> None:
    at = size - min(size, 3 * MIB)
    part = part_of(Span(at, size), left=size - at, connections=connections)

    assert (
        len(part) <= 3 * MIB // 2
        or len(part) == size - at < 3 * SMALLEST_PART // 2
        or connections == 1
    )
