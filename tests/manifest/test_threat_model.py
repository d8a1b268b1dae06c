"""Each line of the threat model names a test, and that test is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/threat-model.md").read_text("utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def lines() -> list[str]:
    """The rows of all tables, without their heads."""
    tables = re.findall(r"^\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [line for table in tables for line in table.splitlines()]


@cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def test_there_are_lines_about_everybody() -> None:
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)

    assert len(headings) >= 8
    assert len(lines()) > 70
    assert all(re.search(rf"^## {re.escape(each)}\n[^#]*\|---", PAGE, re.M) for each in headings)


@pytest.mark.parametrize("line", lines())
def test_line_names_tests_that_are_there(line: str) -> None:
    named = NAMED.findall(line.rstrip(" |").rpartition("|")[2])

    assert named, "it names no test"
    assert [each for each in named if each[1] not in names_in(each[0])] == []
