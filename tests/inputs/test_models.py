from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput
from studio_action.inputs.models import KEYS, MOST_MODELS, ModelEntry, parse, parse_line


def at(by: str, wanted: str) -> dict[str, str]:
    return {"version": "", "stage": "", by: wanted}


@pytest.mark.parametrize(
    ("line", "inputs"),
    [
        ("churn", {"model": "churn"}),
        ("churn@prod", {"model": "churn", **at("stage", "prod")}),
        ("churn#prod", {"model": "churn", **at("stage", "prod")}),
        ("churn@v2.0.0", {"model": "churn", **at("version", "v2.0.0")}),
        ("churn@2.0.0", {"model": "churn", **at("version", "2.0.0")}),
        ("churn@1.x", {"model": "churn", **at("version", "1.x")}),
        ("churn@v2", {"model": "churn", **at("version", "v2")}),
        ("churn@^1.2", {"model": "churn", **at("version", "^1.2")}),
        ("churn@>=1, <2", {"model": "churn", **at("version", ">=1, <2")}),
        ("churn@*", {"model": "churn", **at("version", "*")}),
        ("churn@v2-candidate", {"model": "churn", **at("version", "v2-candidate")}),
        ("churn@verified", {"model": "churn", **at("stage", "verified")}),
        ("churn@eu/prod", {"model": "churn", **at("stage", "eu/prod")}),
        (
            "models/bert:bert@^1.2 -> models/bert",
            {"model": "models/bert:bert", **at("version", "^1.2"), "dest": "models/bert"},
        ),
        ("  churn   ->  a folder ", {"model": "churn", "dest": "a folder"}),
        ("churn@>=1 -> x", {"model": "churn", **at("version", ">=1"), "dest": "x"}),
    ],
)
def test_parse_line(line: str, inputs: dict[str, str]) -> None:
    assert parse_line(line) == inputs


@pytest.mark.parametrize("line", ["churn prod", "churn@", "@prod", "churn -> ", "-> x", "churn@ x"])
def test_parse_line__refused(line: str) -> None:
    with pytest.raises(ValueError, match="is not a model"):
        parse_line(line)


def test_parse__lines_with_comments() -> None:
    found = parse("# ours\n churn@prod  # the one that is live\n\nbert -> b\r\n")

    assert found == (
        ModelEntry("churn", {"model": "churn", **at("stage", "prod")}),
        ModelEntry("bert", {"model": "bert", "dest": "b"}),
    )


YAML = """
- churn@prod
- model: models:bert
  version: 1.2
  repo: https://gitlab.example.org/acme/other.git
  include: ["*.bin", "*.json"]
  overwrite-is-no-key: 1
"""


def test_parse__yaml() -> None:
    found = parse(YAML.replace("  overwrite-is-no-key: 1\n", ""))

    assert found[1] == ModelEntry(
        "models:bert",
        {
            "model": "models:bert",
            **at("version", "1.2"),
            "repo": "https://gitlab.example.org/acme/other.git",
            "include": "*.bin\n*.json",
        },
    )


@pytest.mark.parametrize(
    "text",
    [
        "- a\n    - b",
        "- a\n- b",
        "- model: a\n      dest: x\n    - b",
        "- model: a\n  dest: x\n- b",
    ],
)
def test_parse__yaml_that_lost_the_indent_of_its_first_line(text: str) -> None:
    assert [each.name for each in parse(text)] == ["a", "b"]
    assert parse("- model: a\n      dest: x")[0].inputs["dest"] == "x"


def test_parse__json_with_names() -> None:
    found = parse('[{"model": "churn", "name": "live", "stage": "prod"}, {"model": "churn@dev"}]')

    assert [(each.name, each.inputs["stage"]) for each in found] == [
        ("live", "prod"),
        ("churn", "dev"),
    ]


def test_parse__a_model_that_is_wanted_twice_is_named_with_what_is_wanted() -> None:
    assert [each.name for each in parse("churn@prod\nchurn@^1.0 -> x\nbert@prod")] == [
        "churn@prod",
        "churn@^1.0",
        "bert",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "names no model"),
        ("# nothing", "names no model"),
        ("[]", "names no model"),
        ("churn\nbert prod", "line 2: 'bert prod' is not a model"),
        ("churn@prod\nchurn@prod -> x", "has 'churn@prod' twice"),
        ("churn\nchurn", "has 'churn' twice"),
        (YAML, r"line 7.*unknown key 'overwrite-is-no-key'"),
        ("- {modle: churn}", "unknown key 'modle'. Did you mean 'model'"),
        ("- {stage: prod}", "has no model"),
        ("- {model: churn, stage: prod, version: v1.0.0}", "cannot be used together"),
        ("- {model: churn@prod, version: v1.0.0}", "cannot be used together"),
        ("- {model: churn, name: a b}", "is not a name"),
        ("- {model: [churn]}", "not a text"),
        ("- [churn]", "not a text"),
        ("{churn: prod}", "not a list"),
        ("- churn: [", "is not YAML"),
        ("\n".join(f"m{number}" for number in range(MOST_MODELS + 1)), "more than 256"),
        ("m" * (257 << 10), "Shorten it"),
    ],
)
def test_parse__refused(text: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        parse(text)


names = st.from_regex(r"([a-z]{1,5}/)?[a-z]{1,3}(:[a-z]{1,5})?", fullmatch=True)
stages = st.from_regex(r"[a-uw-wyz][a-z0-9-]{0,6}[a-z]", fullmatch=True).map(
    lambda it: ("stage", it)
)
versions = st.tuples(
    st.just("version"),
    st.from_regex(r"v[0-9]{1,2}\.[0-9]\.[0-9]|[\^~][0-9]\.[0-9]", fullmatch=True),
)
entries = st.lists(
    st.tuples(names, st.one_of(st.none(), stages, versions), st.one_of(st.just(""), names)),
    min_size=1,
    max_size=5,
    unique_by=lambda it: it[0],
)


@given(entries)
def test_parse__lines_and_yaml_say_the_same(
    drawn: list[tuple[str, tuple[str, str] | None, str]],
) -> None:
    lines, rows, expected = [], [], []
    for model, wanted, dest in drawn:
        lines.append(model + (f"@{wanted[1]}" if wanted else "") + (f" -> {dest}" if dest else ""))
        own = (
            {"model": model} | (dict([wanted]) if wanted else {}) | ({"dest": dest} if dest else {})
        )
        rows.append(own)
        inputs = {**own, **(at(*wanted) if wanted else {})}
        expected.append(ModelEntry(model, inputs))

    assert list(parse("\n".join(lines))) == expected
    assert list(parse(json.dumps(rows))) == expected
    assert list(parse(json.dumps(lines))) == expected


@given(st.one_of(st.text(max_size=80), st.text("-[]{}:,# @>\n'\"abv1.&*!|", max_size=60)))
def test_parse__anything_is_models_or_an_error_with_a_hint(text: str) -> None:
    try:
        found = parse(text)
    except BadInput as error:
        assert error.message.startswith("input models")  # noqa: PT017
        return
    assert len({each.name for each in found}) == len(found) > 0
    assert all(each.inputs["model"] for each in found)
    assert {key for each in found for key in each.inputs} <= set(KEYS)
