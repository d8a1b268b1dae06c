"""Wall time, processor time and memory of a command, and that it did what it was to do."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.tools import Command

TIME = "/usr/bin/time"
"""GNU time, which starts what is measured: a process's peak memory counts what it was forked from,
and that is large here, and small there."""


@dataclass(frozen=True)
class Sample:
    """One run: seconds of wall time and of processor time, and the largest process in MiB."""

    seconds: float
    processor: float
    memory: float


@dataclass(frozen=True)
class Result:
    """All runs of one tool on one work."""

    tool: str
    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        return median(sample.seconds for sample in self.samples)

    @property
    def processor(self) -> float:
        return median(sample.processor for sample in self.samples)

    @property
    def memory(self) -> float:
        return max(sample.memory for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        seconds = [sample.seconds for sample in self.samples]
        return min(seconds), max(seconds)


def run(command: Command, folder: Path, log: Path) -> Sample:
    """Run it in `folder`; raise with the end of its output if it fails."""
    started = time.monotonic()
    used = [_run(argv, command, folder, log) for argv in (command.argv, *command.then)]
    seconds = time.monotonic() - started
    return Sample(seconds, sum(each[0] for each in used), max(each[1] for each in used))


def timed(peak: Path) -> list[str]:
    """Return the words before a command whose peak memory is written to a file, in KiB."""
    return [TIME, "--quiet", "--format=%M", f"--output={peak}"]


def _run(argv: Sequence[str], command: Command, folder: Path, log: Path) -> tuple[float, float]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    environment = {**kept, "HOME": str(log.parent), **command.environment}
    memory = log.with_suffix(".memory")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*timed(memory), *argv],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{argv[0]} ended with {process.returncode}: {log.read_text()[-2000:]}")
    return usage.ru_utime + usage.ru_stime, int(memory.read_text()) / 1024


def check(folder: Path, paths: Sequence[str], size: int) -> None:
    """Raise if the files are not there with `size` bytes altogether."""
    found = sum((folder / path).stat().st_size for path in paths)
    if found != size:
        raise RuntimeError(f"{found} bytes arrived, and {size} were to come")
