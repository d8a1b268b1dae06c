"""Tables in Markdown, read back."""

from __future__ import annotations

import re


def rows_below(document: str, heading: str) -> dict[str, list[str]]:
    """The cells of each row of the tables below a heading, by the names in its first cell."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL)
    assert section is not None, f"there is no heading '## {heading}'"
    found = {}
    for line in section[1].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for name in re.findall(r"`([^`]+)`", cells[0]) if cells else ():
            found[name] = cells[1:]
    return found
