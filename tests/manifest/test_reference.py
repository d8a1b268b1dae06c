"""The reference says what the program has, all of it; nobody writes its tables by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from documentation import reference

from studio_action import errors
from studio_action.inputs.outputs_table import OUTPUTS
from studio_action.inputs.table import INPUTS, Input
from studio_action.server.run.commands import COMMANDS

DOCS = reference.DOCS
MADE = reference.made_files()


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_made_file__is_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == MADE[path], "run `make reference`, and commit the file"


def test_every_table_is_on_a_page() -> None:
    text = "\n".join(MADE.values())

    assert [name for name in reference.TABLES if f"make reference: {name} -->" not in text] == []


@pytest.mark.parametrize("each", INPUTS, ids=lambda each: each.name)
def test_inputs__every_one_with_its_default_and_meaning(each: Input) -> None:
    page = (DOCS / "reference/inputs.md").read_text()
    default = f"`{each.default}`" if each.default else ""

    assert f"\n| `{each.name}` | {default} | {each.help} | " in page


def test_outputs__every_one() -> None:
    page = (DOCS / "reference/outputs.md").read_text()

    assert [it.name for it in OUTPUTS if f"\n| `{it.name}` | " not in page] == []


def test_exit_codes__every_one() -> None:
    page = (DOCS / "reference/exit-codes.md").read_text()
    codes = {
        each.exit_code
        for each in vars(errors).values()
        if isinstance(each, type) and hasattr(each, "exit_code")
    }

    assert [code for code in codes if f"\n| `{code}` | " not in page] == []
    assert "\n| `130`, `143` | " in page


@pytest.mark.parametrize("name", [*COMMANDS, "token create", "doctor", "storage-initializer"])
def test_commands__it_has_a_section(name: str) -> None:
    page = (DOCS / "reference/commands.md").read_text()

    assert f"\n### studio-action {name}\n" in page


def test_filled__a_region_is_made_anew_and_the_rest_stays() -> None:
    old = "before\n<!-- made by make reference: outputs -->\nold\n<!-- end -->\nafter\n"

    made = reference.filled(old)

    assert made.startswith("before\n<!-- made by make reference: outputs -->\n\n| output |")
    assert made.endswith("|\n\n<!-- end -->\nafter\n")
    assert reference.filled(made) == made


def test_filled__an_unknown_region() -> None:
    with pytest.raises(KeyError):
        reference.filled("<!-- made by make reference: nothing -->\n<!-- end -->")


def test_table__a_bar_stays_in_its_cell() -> None:
    assert reference.table(["a", "b"], [["1|2", ""]]) == "| a | b |\n|---|---|\n| 1\\|2 |  |\n"
