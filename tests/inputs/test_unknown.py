from __future__ import annotations

import pytest

from studio_action.inputs import unknown
from studio_action.inputs.table import BY_NAME, variables_of


@pytest.mark.parametrize(
    ("variable", "right"),
    [
        ("INPUT_MODLE", "model"),
        ("INPUT_STUDIO-ULR", "studio-url"),
        ("INPUT_STUDIO_ULR", "studio-url"),
        ("STUDIO_ACTION_OVERWRITTE", "overwrite"),
        ("INPUT_SHA256-EXPECTED", ""),
        ("INPUT_NODE-VERSION-FILE", ""),
        ("MODLE", ""),
        ("INPUT_", ""),
        ("INPUT_" + "MODLE" * 1000, ""),
    ],
)
def test_warnings__name_the_right_input(variable: str, right: str) -> None:
    lines = list(unknown.warnings({variable: "5ec2e7"}))

    assert [line.endswith(f"Use {right!r}") for line in lines] == [True] * bool(right)
    assert "5ec2e7" not in "".join(lines)


def test_warnings__inputs_that_exist_are_none() -> None:
    environ = {variable: "x" for name in BY_NAME for variable in variables_of(name)}

    assert not list(unknown.warnings(environ))


def test_warnings__an_empty_one_is_not_given() -> None:
    assert not list(unknown.warnings({"INPUT_MODLE": "  "}))
