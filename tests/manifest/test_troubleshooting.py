"""The documents explain messages that the program really has."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


SECTIONS = {"docs/troubleshooting.md": "# Troubleshooting", "docs/server.md": "## Troubleshooting"}


def explained() -> list[str]:
    sections = [
        (ROOT / name).read_text().split(heading)[1].split("\n## ")[0]
        for name, heading in SECTIONS.items()
    ]
    cells = re.findall(r"^\| (`.*?`) \|", "\n".join(sections), re.MULTILINE)
    return [fragment for cell in cells for fragment in re.findall(r"`([^`]+)`", cell)]


@cache
def texts() -> str:
    """Every literal text of the program, an interpolated value being `\\0`."""
    found: list[str] = []
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (
                    part.value if isinstance(part, ast.Constant) else "\0" for part in node.values
                )
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_there_are_messages() -> None:
    assert len(explained()) > 10


@pytest.mark.parametrize("fragment", explained())
def test_message_is_the_programs(fragment: str) -> None:
    pattern = re.escape(fragment).replace("404", "(404|\0)")
    assert re.search(pattern, texts())
