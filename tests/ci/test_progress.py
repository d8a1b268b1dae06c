from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from studio_action.ci import progress
from studio_action.ci.job import Job
from studio_action.net.clock import Clock

MB = 1_000_000


@dataclass
class Time:
    """A clock that a test moves."""

    seconds: float = 1000.0

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job("generic", tmp_path)


def test_lines__every_five_seconds(time: Time, job: Job) -> None:
    said: list[str] = []

    with progress.open_progress(job, io.StringIO(), say=said.append, clock=time.clock) as shown:
        time.sleep(60)  # resolving takes its time, and is no part of the download
        shown.expect(1000 * MB)
        for _ in range(12):
            time.sleep(1)
            shown.advance(10 * MB)
        shown.finish()

    assert said == [
        "5 %, 50.0 MB of 1.0 GB, 10.0 MB/s, 1 min 35 s left, 0 files done",
        "10 %, 100.0 MB of 1.0 GB, 10.0 MB/s, 1 min 30 s left, 0 files done",
    ]


def test_lines__none_for_a_short_download(time: Time, job: Job) -> None:
    said: list[str] = []

    with progress.open_progress(job, io.StringIO(), say=said.append, clock=time.clock) as shown:
        shown.expect(MB)
        time.sleep(4.9)
        shown.advance(MB)
        shown.finish()

    assert said == []


def test_lines__total_grows_and_bytes_are_fetched_again(time: Time, job: Job) -> None:
    said: list[str] = []

    with progress.open_progress(job, io.StringIO(), say=said.append, clock=time.clock) as shown:
        shown.expect(10 * MB)
        shown.advance(10 * MB)
        shown.finish()
        shown.expect(30 * MB)
        shown.advance(20 * MB)
        shown.advance(-10 * MB)
        time.sleep(10)
        shown.advance(0)

    assert said == ["50 %, 20.0 MB of 40.0 MB, 2.0 MB/s, 10 s left, 1 file done"]


@pytest.mark.parametrize("system", ["github", "circleci"])
def test_shown__lines_in_a_ci_system_even_on_a_terminal(time: Time, job: Job, system: str) -> None:
    terminal = Terminal()
    said: list[str] = []
    there = replace(job, system=system)

    with progress.open_progress(there, terminal, say=said.append, clock=time.clock) as shown:
        shown.expect(MB)
        time.sleep(5)
        shown.advance(MB)

    assert len(said) == 1
    assert terminal.getvalue() == ""


@pytest.mark.parametrize(
    ("come", "expected", "line"),
    [
        (3 * MB, 0, "3.0 MB, 1.0 MB/s, 0 files done"),
        (0, 3 * MB, "0 %, 0 B of 3.0 MB, 0 B/s, 0 files done"),
        (3 * MB, 3 * MB, "100 %, 3.0 MB of 3.0 MB, 1.0 MB/s, 0 ms left, 0 files done"),
        (3 * MB - 1, 3 * MB, "99 %, 3.0 MB of 3.0 MB, 1.0 MB/s, 0 ms left, 0 files done"),
        (0, 0, "0 %, 0 B of 0 B, 0 B/s, 0 files done"),
    ],
    ids=["size unknown", "stalled", "all", "all but one byte", "nothing"],
)
def test_line(come: int, expected: int, line: str) -> None:
    assert progress.progress_line(come, expected, 0, 3.0) == line


def test_bar__on_a_terminal(time: Time, job: Job) -> None:
    terminal = Terminal()
    said: list[str] = []

    with progress.open_progress(job, terminal, say=said.append, clock=time.clock) as shown:
        shown.expect(2 * MB)
        shown.advance(MB)
        shown.finish()
        shown.expect(2 * MB)
        shown.advance(3 * MB)

    assert said == []
    assert "B/s" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")


def test_bar__nothing_is_drawn_before_the_download(time: Time, job: Job) -> None:
    terminal = Terminal()

    with progress.open_progress(job, terminal, say=print, clock=time.clock):
        pass

    assert terminal.getvalue() == ""


@pytest.mark.parametrize("terminal", [Terminal(), io.StringIO()], ids=["bar", "lines"])
def test_stall__a_line_for_each_file(terminal: io.StringIO, time: Time, job: Job) -> None:
    said: list[str] = []
    with progress.open_progress(job, terminal, say=said.append, clock=time.clock) as shown:
        shown.expect(10)
        shown.stall(["a: 1 B of 5 B", "b: 2 B of 5 B"])

    assert said == ["No data for 10 s. Slowest:", "  a: 1 B of 5 B", "  b: 2 B of 5 B"]


def test_quiet__neither_bar_nor_lines(time: Time, job: Job) -> None:
    said: list[str] = []
    terminal, quiet = Terminal(), replace(job, quiet=True)
    with progress.open_progress(quiet, terminal, say=said.append, clock=time.clock) as shown:
        shown.expect(10)
        time.sleep(60)
        shown.advance(5)
        shown.stall(["a"])

    assert (said, terminal.getvalue()) == ([], "")
