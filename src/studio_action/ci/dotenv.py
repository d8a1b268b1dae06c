"""Outputs as `NAME=value` lines, in the flavour that GitLab reads. Pure.

GitLab takes each line up to the first `=` as the name, strips both sides, keeps quotes, expands
`$`, and refuses the whole file for one line that is not of this form
(https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LISTS = frozenset({"files", "projects", "models", "matrix", "plan"})
"""The outputs that are JSON; they stay out of variables."""

NO_VARIABLES = LISTS | {"attestation-subjects"}
"""JSON, and what only `actions/attest` reads: a GitHub step has it, and so has output-json."""

MOST_BYTES = 5 * 1024 - 1
MOST_VARIABLES = 20
"""GitLab's default for a server of one's own; GitLab.com takes 50 at least."""

_LINE = re.compile(r"([A-Za-z0-9_]{1,255})=(.*)")


def variables(outputs: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the outputs by the names of their variables, without those of no use there."""
    return {
        variable(name, prefix): value for name, value in outputs.items() if name not in NO_VARIABLES
    }


def variable(output: str, prefix: str) -> str:
    """Return the name of an output's variable: `MODEL_VERSION` for `version`."""
    name = output.upper().replace("-", "_")
    return name if name.startswith(prefix) else prefix + name


def can_carry(value: str) -> bool:
    """Return whether GitLab reads exactly `value` from a line: one line, not empty, without `$`."""
    return value != "" and value == value.strip() and "$" not in value and value.isprintable()


def fitting(named: Mapping[str, str]) -> dict[str, str]:
    """Return those of `named`, in order, that fit into one file."""
    kept: dict[str, str] = {}
    room = MOST_BYTES
    for name, value in named.items():
        size = len(render({name: value}).encode())
        if size <= room and len(kept) < MOST_VARIABLES:
            kept[name] = value
            room -= size
    return kept


def render(named: Mapping[str, str]) -> str:
    """Return the text of a file."""
    return "".join(f"{name}={value}\n" for name, value in named.items())


def parse(text: str) -> dict[str, str]:
    """Return the variables of a file that `render` made; skip other lines."""
    found = (_LINE.fullmatch(line) for line in text.split("\n"))
    return {line[1]: line[2] for line in found if line}
