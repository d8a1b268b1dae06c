from __future__ import annotations

import pytest

from studio_action.inputs.lookup import Inputs
from studio_action.inputs.table import INPUTS, variables_of

ORDER = [
    ("option", {"studio-url": "o"}, {}),
    ("INPUT_STUDIO-URL", {}, {"INPUT_STUDIO-URL": "o"}),
    ("INPUT_STUDIO_URL", {}, {"INPUT_STUDIO_URL": "o"}),
    ("STUDIO_ACTION_STUDIO_URL", {}, {"STUDIO_ACTION_STUDIO_URL": "o"}),
    ("DVC_STUDIO_URL", {}, {"DVC_STUDIO_URL": "o"}),
]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=[origin for origin, _, _ in ORDER])
def test_precedence(first: int) -> None:
    options: dict[str, str] = {}
    environ: dict[str, str] = {}
    for origin, by_option, by_variable in reversed(ORDER[first:]):
        options |= dict.fromkeys(by_option, origin)
        environ |= dict.fromkeys(by_variable, origin)
    found = Inputs(options, environ)["studio-url"]
    assert (found.text, found.origin) == (ORDER[first][0], ORDER[first][0])


def test_default() -> None:
    found = Inputs({}, {})["studio-url"]
    assert (found.text, found.origin, found.given) == (
        "https://studio.datachain.ai",
        "default",
        False,
    )


def test_an_empty_value_is_an_unset_one_and_values_are_trimmed() -> None:
    environ = {"INPUT_MODEL": "  ", "STUDIO_ACTION_MODEL": " churn\n"}
    assert Inputs({"model": ""}, environ)["model"].text == "churn"


def test_refuse__names_the_input_and_where_its_value_came_from() -> None:
    value = Inputs({}, {"STUDIO_ACTION_RETRIES": "many"})["retries"]
    assert str(value.refuse("is not a number")) == (
        "input retries (from STUDIO_ACTION_RETRIES): 'many' is not a number"
    )


def test_refuse__never_repeats_a_secret() -> None:
    value = Inputs({}, {"DVC_STUDIO_TOKEN": "isat_secret"})["token"]
    assert "isat_secret" not in str(value.refuse("is odd")) + repr(value)


@pytest.mark.parametrize("name", [each.name for each in INPUTS])
def test_every_input_is_read_from_github_and_from_plain_variables(name: str) -> None:
    for variable in variables_of(name):
        assert Inputs({}, {variable: "x"})[name].text == "x"
