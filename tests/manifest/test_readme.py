"""README's tables name what there is, all of it, with its defaults."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from studio_action import errors
from studio_action.inputs.outputs_table import OUTPUTS
from studio_action.inputs.table import INPUTS, Input
from tests.manifest.tables import rows_below

README = (Path(__file__).parents[2] / "README.md").read_text()
rows = partial(rows_below, README)


def test_readme__every_input() -> None:
    assert set(rows("Inputs")) == {each.name for each in INPUTS}


@pytest.mark.parametrize("each", INPUTS, ids=lambda each: each.name)
def test_readme__input(each: Input) -> None:
    default = f"`{each.default}`" if each.default else ""
    variables = ", ".join(f"`{variable}`" for variable in each.also)

    assert rows("Inputs")[each.name] == [default, each.help, variables]


def test_readme__outputs() -> None:
    explained = {name: cells[-1] for name, cells in rows("Outputs").items()}

    assert explained == {output.name: output.help for output in OUTPUTS}


def test_readme__every_exit_code() -> None:
    explained = {
        value.exit_code
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, errors.StudioActionError)
        and hasattr(value, "exit_code")
    }

    assert {int(code) for code in rows("Exit codes")} == explained | {0, 1, 130, 143}
