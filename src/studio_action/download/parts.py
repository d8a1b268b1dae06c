"""Which bytes of a file are missing, and how many to request next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LARGEST_PART = 8 << 20
"""Bytes: so many that a round trip costs little, so few that the hashing can follow steadily."""
SMALLEST_PART = 1 << 20
"""Bytes: below this, another connection costs more than it brings."""


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
    """Return the same bytes as `Spans`."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        elif span.start < span.end:
            result.append(span)
    return tuple(result)


def gaps(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """Yield what is missing in a file of `size` bytes, in order."""
    front = 0
    for span in joined(spans):
        if span.start > front:
            yield Span(front, min(span.start, size))
        front = max(front, span.end)
    if front < size:
        yield Span(front, size)


def part_of(gap: Span, *, left: int, connections: int) -> Span:
    """Return the part to request at the start of `gap`.

    `left` is how many bytes of the file nobody has requested yet. Parts get smaller near the end
    of a file, so that all connections finish at about the same time.
    """
    length = min(LARGEST_PART, max(SMALLEST_PART, left // (2 * connections)))
    if len(gap) - length < SMALLEST_PART // 2:  # a tiny last part is not worth a request
        length = len(gap)
    return Span(gap.start, min(gap.end, gap.start + length))
