"""The progress of a download: a bar on a terminal, or a line every few seconds in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

from studio_action.ci.job import NO_SYSTEM, Job
from studio_action.download.base import NoProgress, Progress
from studio_action.download.progress import STALL
from studio_action.net.clock import Clock
from studio_action.text import human_size, human_time

if TYPE_CHECKING:
    from tqdm import tqdm

INTERVAL = 5.0
"""Seconds between two lines; a download that is shorter has none."""


@contextmanager
def open_progress(
    job: Job, terminal: TextIO, *, say: Callable[[str], None], clock: Clock
) -> Iterator[Progress]:
    """Show progress: as a bar if `terminal` is one and there is no CI system, else by `say`."""
    if job.quiet:
        yield NoProgress()
        return
    if job.system != NO_SYSTEM or not terminal.isatty():
        yield ProgressLines(say, clock)
        return
    bar = ProgressBar(terminal, say)
    try:
        yield bar
    finally:
        bar.close()


class ProgressLines:
    """A line every `INTERVAL` seconds while bytes come, from the first ones on."""

    def __init__(self, say: Callable[[str], None], clock: Clock) -> None:
        self._say = say
        self._now = clock.now
        self._started: float | None = None
        self._latest = 0.0
        self._expected = self._come = self._files = 0

    def expect(self, size: int) -> None:
        self._begin()
        self._expected += size

    def advance(self, size: int) -> None:
        started = self._begin()
        self._come += size
        now = self._now()
        if now - self._latest >= INTERVAL:
            self._latest = now
            self._say(progress_line(self._come, self._expected, self._files, now - started))

    def finish(self) -> None:
        self._files += 1

    def stall(self, slowest: Sequence[str]) -> None:
        say_stall(slowest, self._say)

    def _begin(self) -> float:
        if self._started is None:
            self._started = self._latest = self._now()
        return self._started


def progress_line(come: int, expected: int, files: int, seconds: float) -> str:
    """Return a line about `come` of `expected` bytes in `seconds`; `files` files are complete."""
    speed = come / seconds
    parts = [f"{human_size(speed)}/s", f"{files} {'file' if files == 1 else 'files'} done"]
    if expected < come:  # sizes are not known yet
        return ", ".join([human_size(come), *parts])
    if speed > 0:
        parts.insert(1, f"{human_time((expected - come) / speed)} left")
    share = f"{100 * come // max(expected, 1)} %"
    return ", ".join([share, f"{human_size(come)} of {human_size(expected)}", *parts])


def say_stall(slowest: Sequence[str], say: Callable[[str], None]) -> None:
    """Say which files wait, a line each."""
    say(f"No data for {human_time(STALL)}. Slowest:")
    for line in slowest:
        say(f"  {line}")


class ProgressBar:
    """A bar on a terminal, drawn from the first bytes until it is closed."""

    def __init__(self, terminal: TextIO, say: Callable[[str], None]) -> None:
        self._terminal, self._say = terminal, say
        self._bar: tqdm[NoReturn] | None = None
        self._expected = self._files = 0

    def expect(self, size: int) -> None:
        self._expected += size
        self._drawn().total = self._expected

    def advance(self, size: int) -> None:
        self._drawn().update(size)

    def finish(self) -> None:
        self._files += 1
        self._drawn().set_postfix(files=self._files, refresh=False)

    def stall(self, slowest: Sequence[str]) -> None:
        say_stall(slowest, self._say)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _drawn(self) -> tqdm[NoReturn]:
        if self._bar is None:
            from tqdm import tqdm  # late: most runs have no terminal

            self._bar = tqdm(
                file=self._terminal,
                total=self._expected or None,
                unit="B",
                unit_scale=True,
                dynamic_ncols=True,
                leave=False,
            )
        return self._bar
