"""The figures of the comparison, of the newest run of each work in RESULTS.md. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

OURS = "studio-action"
_SECTION = re.compile(r"^### (?P<title>[^\n]*)\n\n(?P<table>\| tool \|.*?)(?:\n\n|\Z)", re.M | re.S)
_SERVER = re.compile(
    r"^\| (?P<server>[^|]*) \| (?P<clients>\d+) \| (?P<rate>[\d.,]+) \| (?P<p99>[\d.,]+) \|", re.M
)
_CLIENTS = "16"


def times(results: str) -> dict[str, dict[str, float]]:
    """Return the seconds of each tool, by the title of the work."""
    found: dict[str, dict[str, float]] = {}
    for section in _SECTION.finditer(results):  # the newest run comes first
        found.setdefault(section["title"], dict(_seconds(section["table"])))
    return found


def _seconds(table: str) -> Iterator[tuple[str, float]]:
    for line in table.splitlines()[2:]:
        tool, seconds, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        yield tool, float(seconds.replace(",", ""))


def times_rows(results: str) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of a table with the seconds; the best of a row is bold."""
    works = {title: _by_kind(tools) for title, tools in times(results).items() if len(tools) > 1}
    tools = [OURS, *dict.fromkeys(name for row in works.values() for name in row if name != OURS)]
    rows = [[title, *_cells(row, tools)] for title, row in works.items()]
    return ["work", *tools], rows


def _by_kind(tools: Mapping[str, float]) -> dict[str, float]:
    """Return the tools with one curl among them, the fastest way to call it."""
    found: dict[str, float] = {}
    for tool, seconds in tools.items():
        name = "curl" if re.match(r"curl\b", tool) else tool
        found[name] = min(seconds, found.get(name, seconds))
    return found


def _cells(row: Mapping[str, float], tools: Iterable[str]) -> Iterator[str]:
    best = min(row.values())
    for tool in tools:
        seconds = row.get(tool)
        text = "" if seconds is None else f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
        yield f"**{text}**" if seconds == best else text


def server_rows(results: str) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of a table with the answers a second of each server."""
    head = ["", f"requests a second, {_CLIENTS} clients", "p99"]
    found: dict[str, list[str]] = {}
    for each in _SERVER.finditer(results):
        if each["clients"] == _CLIENTS:
            found.setdefault(each["server"], [each["rate"], f"{each['p99']} ms"])
    return head, [[server, *cells] for server, cells in found.items()]
