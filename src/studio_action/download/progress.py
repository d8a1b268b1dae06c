"""How far a download is, summed up over its files, and told to whoever shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

from studio_action.download.base import Progress
from studio_action.text import human_size, printable

STALL = 10.0
"""Seconds without a byte, of any file, after which people want to know which files wait."""
MOST_SLOW = 10
"""So many of them are shown."""


class Totals:
    """Bytes expected and arrived in this run, and files finished. Other threads may read them."""

    def __init__(self) -> None:
        self.expected = self.arrived = self.finished = 0
        self._by_file: dict[Hashable, tuple[int, int]] = {}

    def update(self, file: Hashable, expected: int, arrived: int) -> None:
        """Replace what was known of one file."""
        before = self._by_file.get(file, (0, 0))
        self.expected += expected - before[0]
        self.arrived += arrived - before[1]
        self._by_file[file] = (expected, arrived)

    def slowest(self, name: Callable[[Hashable], str]) -> list[str]:
        """Return a line for each of the files that lack most: those that have begun come first."""
        waiting = [
            (arrived == 0, arrived / max(expected, 1), name(file), arrived, expected)
            for file, (expected, arrived) in list(self._by_file.items())
            if arrived < expected
        ]
        return [
            f"{printable(path, 200)}: {human_size(arrived)} of {human_size(expected)}"
            for _, _, path, arrived, expected in sorted(waiting)[:MOST_SLOW]
        ]


class ProgressReporter:
    """Tells a progress what has changed since it last heard; once, if nothing does for a while.

    `name` returns what a file of the totals is called.
    """

    def __init__(
        self,
        progress: Progress,
        name: Callable[[Hashable], str] = str,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._name, self._now = name, now
        self._moved: float | None = now()
        self._expected = self._arrived = self._finished = 0

    def report(self, totals: Totals) -> None:
        """Tell it what is new."""
        expected, arrived, finished = totals.expected, totals.arrived, totals.finished
        if expected != self._expected:
            self._progress.expect(expected - self._expected)
        if arrived != self._arrived:
            self._progress.advance(arrived - self._arrived)
            self._moved = self._now()
        elif self._moved is not None and self._now() - self._moved >= STALL:
            self._moved = None  # said once, until bytes come again
            if slowest := totals.slowest(self._name):
                self._progress.stall(slowest)
        for _ in range(finished - self._finished):
            self._progress.finish()
        self._expected, self._arrived, self._finished = expected, arrived, finished
