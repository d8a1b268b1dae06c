"""Where results are kept, and the machine that they are of.

For people they are in RESULTS.md; for programs, and for the next run to be compared with, in
results.json: a list of runs, the newest first, with every sample.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measuring import Result

PLACE = Path(__file__).with_name("RESULTS.md")
RUNS = Path(__file__).with_name("results.json")

Sections = Sequence[tuple[str, Sequence[Result]]]
"""The results of one run, by the titles of their scenarios."""


def machine() -> str:
    """Processor, cores and kernel."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processor = next(models, platform.machine())
    return f"{processor}, {os.cpu_count()} cores, Linux {platform.release()}, servers included"


def keep(text: str) -> None:
    """Add a section that begins with `## `; the newest comes first."""
    head, _, rest = PLACE.read_text().partition("\n## ")
    PLACE.write_text(f"{head}\n{text}" + (f"\n## {rest}" if rest else ""))


def run_of(date: str, facts: Mapping[str, str], sections: Sections) -> dict[str, Any]:
    """One run as JSON has it."""
    scenarios = {
        title: {each.tool: [asdict(sample) for sample in each.samples] for each in found}
        for title, found in sections
    }
    return {"date": date, "facts": dict(facts), "scenarios": scenarios}


def kept_runs() -> list[dict[str, Any]]:
    """All runs that were kept, the newest first."""
    return json.loads(RUNS.read_text()) if RUNS.exists() else []


def keep_run(run: Mapping[str, Any]) -> None:
    """Add one run to those that were kept."""
    RUNS.write_text(json.dumps([run, *kept_runs()], indent=1) + "\n")


def comparison(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """Each figure of both runs as a ratio of medians, new to old: under 1 is less than before."""
    lines = [
        f"Compared with {old['date']} (below 1: less than before)",
        "",
        "| work | tool | seconds | processor | memory |",
        "|---|---|---|---|---|",
    ]
    for title, tools in new["scenarios"].items():
        for tool, samples in tools.items():
            before = old["scenarios"].get(title, {}).get(tool)
            if before:
                ratios = " | ".join(
                    _ratio(samples, before, name) for name in ("seconds", "processor", "memory")
                )
                lines.append(f"| {title} | {tool} | {ratios} |")
    return "\n".join(lines)


def _ratio(
    new: Sequence[Mapping[str, float]], old: Sequence[Mapping[str, float]], name: str
) -> str:
    was = median(each[name] for each in old)
    return f"{median(each[name] for each in new) / was:.2f}" if was else ""
