from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.gitrepo.gto import tags
from studio_action.gitrepo.gto.tags import (
    Assignment,
    Creation,
    Deprecation,
    Deregistration,
    Registration,
    Tag,
    Unassignment,
)
from studio_action.model.artifact import AtStage, AtVersion, ModelName, Selector

M = ModelName("m")

ACCEPTED: dict[str, Tag] = {
    "m@v1.0.0": Registration(M, "v1.0.0"),
    "m@v1.0.0#1": Registration(M, "v1.0.0"),
    "m@v1.0.0!": Deregistration(M, "v1.0.0"),
    "m@v1.0.0!#2": Deregistration(M, "v1.0.0"),
    "m#prod": Assignment(M, "prod"),
    "m#prod#3": Assignment(M, "prod"),
    "m#prod!": Unassignment(M, "prod"),
    "m#prod!#4": Unassignment(M, "prod"),
    "m@deprecated": Deprecation(M),
    "m@deprecated#5": Deprecation(M),
    "m@created": Creation(M),
    "m@created#6": Creation(M),
    "m#deprecated": Assignment(M, "deprecated"),
    "sub=m@v1.0.0": Registration(ModelName("m", "sub"), "v1.0.0"),
    "sub/dir=a/b#stage/x#1": Assignment(ModelName("a/b", "sub/dir"), "stage/x"),
    "./sub.d/=m#prod": Assignment(ModelName("m", "sub.d"), "prod"),
    "m@v1.0.0-rc.1+b": Registration(M, "v1.0.0-rc.1+b"),
    "m#1": Assignment(M, "1"),
    "m#prod-1": Assignment(M, "prod-1"),
    "M1#x": Assignment(ModelName("M1"), "x"),
    "snake_case#Prod": Assignment(ModelName("snake_case"), "Prod"),
    "refs/tags/m@v1.0.0": Registration(M, "v1.0.0"),
    "refs/tags/models=churn#prod": Assignment(ModelName("churn", "models"), "prod"),
}


@pytest.mark.parametrize(("name", "tag"), ACCEPTED.items(), ids=ACCEPTED)
def test_parse__gto_tag(name: str, tag: Tag) -> None:
    assert tags.parse(name) == tag


REJECTED = [
    "",
    "m",
    "m@",
    "m#",
    "@v1.0.0",
    "m@1.0.0",
    "m@v1",
    "m@v1.0",
    "m@v01.0.0",
    "m@V1.0.0",
    "m@v1.0.0\n",
    "m@v１.0.0",
    "m@latest",
    "m#prod#",
    "m#prod##1",
    "m#prod#-1",
    "m#prod#x",
    "m#prod#1!",
    "m#prod!!",
    "m#prod@v1.2.3",
    "m@v1.2.3#prod",
    "m@deprecated!",
    "m@created!",
    "a=b=m@v1.0.0",
    "=m@v1.0.0",
    "sub:m@v1.0.0",
    "v1.0.0",
    "model.v2@v1.0.0",
    "_m@v1.0.0",
    "m_@v1.0.0",
    "m#_prod",
    "m#prod.1",
    "../x=m@v1.0.0",
    "a/../../x=m#prod",
    "/abs=m#prod",
    "refs/heads/m@v1.0.0/",
]


@pytest.mark.parametrize("name", REJECTED, ids=repr)
def test_parse__not_a_gto_tag(name: str) -> None:
    assert tags.parse(name) is None


word = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9/_-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
number = st.integers(0, 99)


@given(word, word, st.none() | number)
def test_parse__every_name_and_stage_that_gto_takes(name: str, stage: str, n: int | None) -> None:
    counter = "" if n is None else f"#{n}"

    assert tags.parse(f"{name}#{stage}{counter}") == Assignment(ModelName(name), stage)
    assert tags.parse(f"{name}#{stage}!{counter}") == Unassignment(ModelName(name), stage)


@given(word, number, number, number)
def test_parse__every_version_that_gto_takes(name: str, major: int, minor: int, fix: int) -> None:
    version = f"v{major}.{minor}.{fix}"

    assert tags.parse(f"{name}@{version}") == Registration(ModelName(name), version)


@given(st.text() | st.from_regex(re.compile(r"[a-z./=]+[@#]v?[a-z0-9.!#-]+", re.ASCII)))
def test_parse__never_fails_and_never_leaves_the_repository(name: str) -> None:
    tag = tags.parse(name)

    assert tag is None or ".." not in tag.model.folder.split("/")


@pytest.mark.parametrize(
    ("name", "selected"),
    [
        ("m@v1.0.0", (M, AtVersion("v1.0.0"))),
        ("m#prod#3", (M, AtStage("prod"))),
        ("sub=m#prod", (ModelName("m", "sub"), AtStage("prod"))),
        ("m@v1.0.0!", None),
        ("m#prod!#4", None),
        ("m@deprecated", None),
        ("m@created", None),
    ],
    ids=[
        "registered",
        "assigned",
        "monorepo",
        "deregistered",
        "unassigned",
        "deprecated",
        "created",
    ],
)
def test_selection(name: str, selected: tuple[ModelName, Selector] | None) -> None:
    tag = tags.parse(name)

    assert tag is not None
    assert tags.selection(tag) == selected
