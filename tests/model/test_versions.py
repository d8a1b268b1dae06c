from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput
from studio_action.model.versions import InRange, is_prerelease, semantic

# https://semver.org/#spec-item-11
ORDER = [
    "v0.9.0",
    "v1.0.0-alpha",
    "v1.0.0-alpha.1",
    "v1.0.0-alpha.beta",
    "v1.0.0-beta",
    "v1.0.0-beta.2",
    "v1.0.0-beta.11",
    "v1.0.0-rc.1",
    "v1.0.0",
    "v1.2.0",
    "v1.10.0",
]


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ORDER)))
def test_semantic__the_order_of_the_specification(lower: str, higher: str) -> None:
    assert semantic(lower) < semantic(higher)
    assert not semantic(higher) < semantic(lower)


def test_semantic__build_metadata_is_no_part_of_precedence() -> None:
    assert not semantic("v1.0.0+b1") < semantic("v1.0.0+b2")
    assert not semantic("v1.0.0+b2") < semantic("v1.0.0+b1")


@pytest.mark.parametrize(
    ("version", "answer"),
    [("v1.0.0", False), ("v1.0.0-rc.1", True), ("v1.0.0+b-1", False), ("v1.0.0-a+b", True)],
)
def test_is_prerelease(version: str, answer: bool) -> None:
    assert is_prerelease(version) is answer


VERSIONS = [
    "v0.2.5",
    "v1.0.0",
    "v1.2.0-rc.1",
    "v1.2.0",
    "v1.2.3+gpu",
    "v1.3.0-rc.1",
    "v1.3.0",
    "v2.0.0-rc.1",
    "v2.0.0",
]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("^1.2", "v1.2.0", "v1.3.0"),
        ("^v1.2", "v1.2.0", "v1.3.0"),
        ("^1", "v1.0.0", "v1.3.0"),
        ("^0.2", "v0.2.5", "v0.2.5"),
        ("^1.2.0-rc.1", "v1.2.0-rc.1", "v1.3.0"),
        ("~1.2", "v1.2.0", "v1.2.3+gpu"),
        ("~1", "v1.0.0", "v1.3.0"),
        (">=1,<2", "v1.0.0", "v1.3.0"),
        (">=1, <2", "v1.0.0", "v1.3.0"),
        (">=1 <2", "v1.0.0", "v1.3.0"),
        (" >= 1  < 2 ", "v1.0.0", "v1.3.0"),
        (">=v1.0.0,<v1.3", "v1.0.0", "v1.2.3+gpu"),
        ("1.x", "v1.0.0", "v1.3.0"),
        ("v1.X", "v1.0.0", "v1.3.0"),
        ("1.*", "v1.0.0", "v1.3.0"),
        ("1.2.x", "v1.2.0", "v1.2.3+gpu"),
        ("1.2", "v1.2.0", "v1.2.3+gpu"),
        ("1.2.3", "v1.2.3+gpu", "v1.2.3+gpu"),
        ("=1.2.3", "v1.2.3+gpu", "v1.2.3+gpu"),
        (">1.2.0", "v1.2.3+gpu", "v2.0.0"),
        ("<2", "v0.2.5", "v1.3.0"),
        ("<=1.2.3", "v0.2.5", "v1.2.3+gpu"),
        (">=2.0.0-rc.1", "v2.0.0-rc.1", "v2.0.0"),
        ("*", "v0.2.5", "v2.0.0"),
        ("x", "v0.2.5", "v2.0.0"),
    ],
)
def test_in_range(text: str, first: str, last: str) -> None:
    spec = InRange.parse(text).spec()

    inside = VERSIONS[VERSIONS.index(first) : VERSIONS.index(last) + 1]
    assert [version for version in VERSIONS if spec.match(semantic(version))] == inside


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "latest",
        "prod",
        "^",
        "^*",
        ">=1,,<2",
        ">=1,",
        "1.2 - 2.0",
        "^1 || ^2",
        "v01.0.0",
        "1.2.3.4",
        "==>1",
        ">=1.x-rc.1",
        "1" * 300,
        "１.0",
    ],
)
def test_in_range__not_a_range(text: str) -> None:
    with pytest.raises(BadInput):
        InRange.parse(text)


@given(st.text() | st.from_regex(r"[<>=^~!]{0,2}v?[0-9x*]+(\.[0-9x*]+){0,3}(-[a-z.0-9+]*)?"))
def test_in_range__anything_is_a_range_or_a_bad_input(text: str) -> None:
    try:
        wanted = InRange.parse(text)
    except BadInput:
        return
    assert InRange.parse(wanted.range) == wanted


def test_in_range__is_told_as_it_was_meant() -> None:
    assert str(InRange.parse(">= 1.x  <2")) == "version >=1.*,<2"
