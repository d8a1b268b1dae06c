"""What inputs require of a version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.policy.requirements import Requirements

if TYPE_CHECKING:
    from studio_action.policy.rules import PolicyFile

T = TypeVar("T")


def read_requirements(inputs: Inputs) -> Requirements:
    """Read inputs `require-ancestor-of`, `allowed-taggers` and `max-age`."""
    branch = branch_name(inputs["require-ancestor-of"])
    taggers = _globs(inputs["allowed-taggers"])
    return Requirements(
        branches=(branch,) if branch else (),
        taggers=(taggers,) if taggers else (),
        max_age=_age(inputs["max-age"]),
    )


def read_policy_file(inputs: Inputs, workspace: Path) -> PolicyFile | None:
    """Read the file that input `policy-file` names; relative paths are below `workspace`."""
    given = inputs["policy-file"]
    path = parsers.path(given)
    if path is None:
        return None

    from studio_action.policy import reading  # late, as all that only policies need

    try:
        return reading.read_file(workspace / path, str(path))
    except OSError as error:
        raise given.refuse(f"cannot be read: {error.strerror}") from error


def branch_name(value: Value) -> str:
    """Return the name of a branch, without `refs/heads/` or `origin/`; '' for none."""
    branch = parsers.one_line(value).removeprefix("refs/heads/").removeprefix("origin/")
    if branch:
        from studio_action.policy.values import check_branch

        _check(check_branch, branch, value)
    return branch


def _globs(value: Value) -> tuple[str, ...]:
    if not value.text:
        return ()

    from studio_action.policy.values import check_glob

    globs = parsers.entries(value)
    for glob in globs:
        _check(check_glob, glob, value)
    if not globs:
        raise value.refuse("names nobody", "Give an address, or leave it out")
    return globs


def _age(value: Value) -> int | None:
    if not value.text:
        return None

    from studio_action.policy.values import parse_age

    return _check(parse_age, value.text, value)


def _check(parse: Callable[[str], T], text: str, value: Value) -> T:
    """Return what `parse` makes of `text`; raise `BadInput` where it raises `ValueError`."""
    try:
        return parse(text)
    except ValueError as error:
        raise value.refuse(str(error)) from None
