"""Where results are kept, and the machine that they are of."""

from __future__ import annotations

import os
import platform
from pathlib import Path

PLACE = Path(__file__).with_name("RESULTS.md")


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
