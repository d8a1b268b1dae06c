"""Which bytes of a file are there, which to ask for next, and over how many connections. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LARGEST_PART = 8 << 20
"""Bytes: long enough to make a round trip small, short enough for the front to move steadily."""
SMALLEST_PART = 1 << 20
"""Bytes: below this, another connection costs more than it brings."""

FIRST_LANES = 8
"""Connections that fetch parts at first: 4 are too few on long ways, 16 too many on short ones."""
MORE_LANES = 4
PAYS = 1.1
"""A rate has to grow by this factor for more connections to have been worth it."""
RECOVERY = 64
"""Requests without a complaint after which one more connection is dared."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes `start` to `end`, exclusive."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


Spans = tuple[Span, ...]
"""In order, neither empty nor touching each other."""


def joined(spans: Iterable[Span]) -> Spans:
    """The same bytes as `Spans`."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        elif span.start < span.end:
            result.append(span)
    return tuple(result)


def gaps(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """What is missing in a file of `size` bytes, in order."""
    front = 0
    for span in joined(spans):
        if span.start > front:
            yield Span(front, min(span.start, size))
        front = max(front, span.end)
    if front < size:
        yield Span(front, size)


def part_of(gap: Span, *, left: int, lanes: int) -> Span:
    """The part to ask for at the start of `gap`, where `left` bytes of the file are to be had.

    Parts shrink near the end, so that the connections end together.
    """
    length = min(LARGEST_PART, max(SMALLEST_PART, left // (2 * lanes)))
    if len(gap) - length < SMALLEST_PART // 2:  # rather one longer part than a crumb
        length = len(gap)
    return Span(gap.start, min(gap.end, gap.start + length))


class Lanes:
    """How many connections work at once, within a budget.

    Parts of large files start with a few and get more as long as that pays; all requests get
    fewer when the storage complains, and slowly more again when it does not.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._calm = 0
        self._before = 0.0
        self._settled = False
        self.most = budget
        self._parts = min(budget, FIRST_LANES)

    @property
    def parts(self) -> int:
        """Connections for the parts of large files, at most `most`."""
        return min(self._parts, self.most)

    def complained(self) -> None:
        """The storage asked for less."""
        self.most = max(1, self.most // 2)
        self._parts = max(1, min(self._parts, self.most))
        self._settled, self._calm = True, 0

    def answered(self) -> None:
        """A request came to a good end."""
        self._calm += 1
        if self._calm >= RECOVERY and self.most < self._budget:
            self.most, self._calm = self.most + 1, 0

    def measured(self, rate: float) -> None:
        """`rate` (bytes a second) is what `parts` connections brought while all were busy."""
        if self._settled or self._parts >= self._budget:
            return
        if rate < self._before * PAYS:
            self._parts = max(1, self._parts - MORE_LANES)
            self._settled = True
            return
        self._before = rate
        self._parts = min(self._budget, self._parts + MORE_LANES)
