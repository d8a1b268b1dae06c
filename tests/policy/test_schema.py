"""The published schema and the parser say the same of every document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from studio_action.errors import BadInput
from studio_action.model.artifact import AtStage, ModelName
from studio_action.policy.document import KEYS, REQUIREMENTS, parse
from studio_action.policy.signers import METHODS
from tests import schemas

ROOT = Path(__file__).parents[2]
SCHEMA = schemas.schema("policy")
RULE = SCHEMA["$defs"]["rule"]
EXAMPLE = ROOT / "examples/studio-action-policy.yml"
PEM = "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"
CHAIN = PEM.replace("PUBLIC KEY", "CERTIFICATE")


def is_accepted(document: object) -> bool:
    try:
        parse(json.dumps(document).encode(), "policy.yml")
    except BadInput:
        return False
    return True


def follows(document: object) -> bool:
    return schemas.faults("policy", document) == []


def test_schema__has_every_key() -> None:
    assert tuple(RULE["properties"]) == KEYS
    assert [each["required"] for each in RULE["anyOf"]] == [[name] for name in REQUIREMENTS]
    methods = SCHEMA["$defs"]["signature"]["properties"]["method"]["enum"]
    assert methods == list(METHODS)
    assert all(each["description"] for each in RULE["properties"].values())


def test_page__has_every_key() -> None:
    page = (ROOT / "docs/policy.md").read_text()
    assert [name for name in KEYS if name != "name" and f"| `{name}` |" not in page] == []


VALUES: dict[str, list[object]] = {
    "name": ["a", 1, "", None],
    "models": ["a", ["a", "b"], [], [1], "a" * 254, "a" * 255, " ", ["a"] * 1001],
    "stages": ["prod", ["a"], {}],
    "branch": ["main", ["main", "release/1.x"], [], 1, ""],
    "allowed-taggers": ["*@example.com", [""], None],
    "max-age": ["30d", "12 h", "1y", 30, "", "1.5d"],
    "prerelease": ["exclude", "include", True],
    "labels": ["a", ["a"], [None], [" "]],
    "require-digests": [True, False, "true"],
    "max-size": ["2GiB", "1.5 GB", 1000, 0, "10", "10B", "1.5", -1, 1.5, "1G", True],
    "minimum-version": ["v1.2.0", "v1.2.0-rc.1", "1.2.0", "v1", 1],
    "rollback": ["warn", "refuse", "allow", None],
    "signature": [
        {"method": "key", "public-key": PEM},
        {"method": "key", "public-key": PEM, "path": "m/model.sig"},
        {"method": "key", "public-key": "a"},
        {"method": "key", "public-key": PEM, "identity": "a"},
        {"method": "key"},
        {"method": "sigstore", "identity": "a", "identity-provider": "b"},
        {"method": "sigstore", "identity": "a"},
        {"method": "sigstore", "identity": "a", "identity-provider": "b", "public-key": PEM},
        {"method": "certificate", "certificate-chain": CHAIN},
        {"method": "certificate", "certificate-chain": CHAIN, "identity": "a"},
        {"method": "certificate", "certificate-chain": CHAIN, "identity-provider": "a"},
        {"method": "gpg"},
        {"public-key": PEM},
        "key",
    ],
    "signed-tag": [
        {"kind": "ssh", "signers": "a"},
        {"kind": "gpg", "signers": "a"},
        {"kind": "gitsign", "signers": "a"},
        {"kind": "ssh"},
        {"signers": "a"},
        {"kind": "ssh", "signers": "a", "more": "b"},
        {"kind": "ssh", "signers": ["a"]},
    ],
    "brnch": ["main"],
}
"""Values of each key, right and wrong."""


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in VALUES.items() for value in values]
)
def test_schema__of_one_key(key: str, value: object) -> None:
    for more in ({}, {"branch": "main"}):
        document = {"rules": [{**more, key: value}]}
        assert is_accepted(document) is follows(document)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(list(VALUES)), st.integers(0, 20), max_size=3), max_size=2
    )
)
def test_schema__of_any_rules(chosen: list[dict[str, int]]) -> None:
    rules = [
        {key: VALUES[key][number % len(VALUES[key])] for key, number in rule.items()}
        for rule in chosen
    ]
    assert is_accepted({"rules": rules}) is follows({"rules": rules})


@pytest.mark.parametrize("document", [{}, {"rules": {}}, {"rules": [], "more": 1}, [], "a"])
def test_schema__of_the_whole(document: object) -> None:
    assert not is_accepted(document)
    assert not follows(document)


def test_example__is_a_policy() -> None:
    document: Any = YAML(typ="safe").load(EXAMPLE.read_text())
    found = parse(EXAMPLE.read_bytes(), EXAMPLE.name)

    assert follows(document)
    prod = found.applying(ModelName("text-classifier"), AtStage("prod"))
    assert [rule.name for rule in prod] == [rule["name"] for rule in document["rules"]]


def test_page__its_example_is_a_policy() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/policy.md").read_text(), re.M | re.S)
    assert follows(YAML(typ="safe").load(text))
    assert len(parse(text.encode(), "docs/policy.md").rules) == 2
