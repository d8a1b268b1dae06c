"""Results as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring import Result

OURS = "studio-action"


@dataclass(frozen=True)
class Target:
    """A figure that was to be reached, and the one that was."""

    work: str
    against: str
    wanted: float
    reached: float
    most: bool = False

    @property
    def met(self) -> bool:
        return self.reached < self.wanted if self.most else self.reached >= self.wanted


def results_table(results: Sequence[Result]) -> str:
    """Each tool's median, its spread, its cost, and how many times as fast as it we are."""
    mine = next(result for result in results if result.tool == OURS)
    lines = [
        "| tool | seconds (median) | spread | processor, s | memory, MiB | ours is faster by |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        low, high = result.spread
        ratio = "" if result is mine else f"{result.seconds / mine.seconds:.2f}"
        lines.append(
            f"| {result.tool} | {result.seconds:.2f} | {low:.2f} to {high:.2f}"
            f" | {result.processor:.2f} | {result.memory:.0f} | {ratio} |"
        )
    return "\n".join(lines)


def targets_table(targets: Sequence[Target]) -> str:
    """What was to be reached, and whether it was."""
    lines = ["| work | against | wanted | reached | |", "|---|---|---|---|---|"]
    for target in targets:
        bound = f"under {target.wanted:g}" if target.most else f"at least {target.wanted:g}"
        mark = "yes" if target.met else "**no**"
        lines.append(
            f"| {target.work} | {target.against} | {bound} | {target.reached:.2f} | {mark} |"
        )
    return "\n".join(lines)


def document(
    date: str,
    machine: Mapping[str, str],
    sections: Sequence[tuple[str, Sequence[Result]]],
    targets: Sequence[Target],
) -> str:
    """One run of the benchmark."""
    facts = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    parts = [f"## {date}", facts, targets_table(targets)]
    for title, results in sections:
        parts += [f"### {title}", results_table(results)]
    return "\n\n".join(parts) + "\n"
