"""How far a download is, summed up over its files, and told to whoever shows it."""

from __future__ import annotations

from collections.abc import Hashable

from studio_action.download.base import Progress


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


class ProgressReporter:
    """Tells a progress what has changed since it last heard."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._expected = self._arrived = self._finished = 0

    def report(self, totals: Totals) -> None:
        """Tell it what is new."""
        expected, arrived, finished = totals.expected, totals.arrived, totals.finished
        if expected != self._expected:
            self._progress.expect(expected - self._expected)
        if arrived != self._arrived:
            self._progress.advance(arrived - self._arrived)
        for _ in range(finished - self._finished):
            self._progress.finish()
        self._expected, self._arrived, self._finished = expected, arrived, finished
