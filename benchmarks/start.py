"""`python -m benchmarks.start IMAGE`: how much longer a container of ours takes than `/bin/true`.

Both run in the same image, in pairs, because the engine itself takes many times as long, and not
always the same. `--help` prints all of its lines at once and ends: the time until the first line,
and that of the engine's tidying up, which is in both.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.table import Target, targets_table

GOAL = 60.0
"""Milliseconds over `/bin/true`."""
FEWEST = 11
_RUN = ("docker", "run", "--rm", "--network=none")


@dataclass(frozen=True)
class Pair:
    """Seconds of one container of ours, and of one of `/bin/true` beside it."""

    ours: float
    nothing: float


def added(pairs: Sequence[Pair]) -> float:
    """Return the median of what ours took longer in each pair, in milliseconds."""
    return 1000 * median(pair.ours - pair.nothing for pair in pairs)


def measured(count: int, ours: Callable[[], float], nothing: Callable[[], float]) -> list[Pair]:
    """Return `count` pairs after one that is not counted; who is first changes each time."""
    pairs = []
    for number in range(count + 1):
        if number % 2:
            first = nothing()
            pairs.append(Pair(ours(), first))
        else:
            first = ours()
            pairs.append(Pair(first, nothing()))
    return pairs[1:]


def report(image: str, pairs: Sequence[Pair]) -> tuple[Target, str]:
    """Return the target, and the table that says whether it was met."""
    target = Target(f"start of {image}", "/bin/true, ms more", GOAL, added(pairs), most=True)
    ours, nothing = (
        1000 * median(getattr(pair, each) for pair in pairs) for each in ("ours", "nothing")
    )
    said = f"{len(pairs)} pairs; medians: ours {ours:.0f} ms, /bin/true {nothing:.0f} ms"
    return target, f"{targets_table([target])}\n\n{said}"


def _seconds(command: Sequence[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.monotonic() - started


def main(argv: Sequence[str]) -> int:
    """Measure; 1 if the goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("image", nargs="?", default="studio-action")
    parser.add_argument("--pairs", type=int, default=21, help=f"at least {FEWEST}")
    options = parser.parse_args(argv)
    if options.pairs < FEWEST:
        parser.error(f"a median of fewer than {FEWEST} pairs says little")
    ours = (*_RUN, options.image, "--help")
    nothing = (*_RUN, "--entrypoint=/bin/true", options.image)
    pairs = measured(options.pairs, lambda: _seconds(ours), lambda: _seconds(nothing))
    target, text = report(options.image, pairs)
    print(text)
    return 0 if target.met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
