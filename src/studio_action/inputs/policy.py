"""What inputs require of a version."""

from __future__ import annotations

import re

from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.policy.requirements import Requirements
from studio_action.policy.values import check_glob, parse_age


def read_requirements(inputs: Inputs) -> Requirements:
    """Read inputs `require-ancestor-of`, `allowed-taggers` and `max-age`."""
    branch = branch_name(inputs["require-ancestor-of"])
    taggers = _globs(inputs["allowed-taggers"])
    return Requirements(
        branches=(branch,) if branch else (),
        taggers=(taggers,) if taggers else (),
        max_age=_age(inputs["max-age"]),
    )


def branch_name(value: Value) -> str:
    """Return the name of a branch, without `refs/heads/` or `origin/`; '' for none."""
    branch = parsers.one_line(value).removeprefix("refs/heads/").removeprefix("origin/")
    if re.search(r"[\s~^:?*\[\\]|\.\.|\A-|//|@\{|\A/|[/.]\Z", branch):
        raise value.refuse("is not a branch's name")
    return branch


def _globs(value: Value) -> tuple[str, ...]:
    globs = parsers.entries(value)
    for glob in globs:
        try:
            check_glob(glob)
        except ValueError as error:
            raise value.refuse(str(error)) from None
    if value.text and not globs:
        raise value.refuse("names nobody", "Give an address, or leave it out")
    return globs


def _age(value: Value) -> int | None:
    try:
        return parse_age(value.text) if value.text else None
    except ValueError as error:
        raise value.refuse(str(error)) from None
