from __future__ import annotations

import pytest

from studio_action.errors import NoSuchModel
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Selector,
)
from studio_action.registries.version_choice import (
    choose_version,
    find_model,
    listed,
    stage_of,
)

M = ModelName("m")
ARTIFACT = ArtifactRef("acme/models", M)
A, B, C = (letter * 40 for letter in "abc")


def model(*tags: tuple[str, str]) -> Model:
    refs = [TagRef(name, at, when, annotated=True) for when, (name, at) in enumerate(tags)]
    return history.read(refs)[M]


LIFE = model(("m@v1.0.0", A), ("m@v2.0.0", B), ("m#prod#1", A), ("m#prod#2", B), ("m#canary#3", C))


@pytest.mark.parametrize(
    ("selector", "name", "revision", "previous"),
    [
        (Latest(), "v2.0.0", B, ""),
        (AtVersion("v1.0.0"), "v1.0.0", A, ""),
        (AtStage("prod"), "v2.0.0", B, "v1.0.0"),
        (AtStage("canary"), "", C, ""),
    ],
    ids=["latest", "version", "stage", "a commit that is not registered"],
)
def test_choose(selector: Selector, name: str, revision: str, previous: str) -> None:
    choice = choose_version(LIFE, ARTIFACT, selector, "include")

    assert (choice.name, choice.version.revision) == (name, revision)
    assert choice.previous_name == previous


def test_choose__who_held_the_stage() -> None:
    held = {
        stage: [
            (version, tagging.tag)
            for version, tagging in choose_version(
                LIFE, ARTIFACT, AtStage(stage), "include"
            ).holders
        ]
        for stage in ("prod", "canary")
    }

    assert held == {
        "prod": [("v2.0.0", "m#prod#2"), ("v1.0.0", "m#prod#1")],
        "canary": [(C[:7], "m#canary#3")],
    }
    assert choose_version(LIFE, ARTIFACT, Latest(), "include").holders == ()


@pytest.mark.parametrize(
    ("selector", "tags"),
    [
        (Latest(), ["m@v2.0.0"]),
        (AtVersion("v1.0.0"), ["m@v1.0.0"]),
        (AtStage("prod"), ["m@v2.0.0", "m#prod#2"]),
        (AtStage("canary"), ["m#canary#3"]),
    ],
    ids=["latest", "version", "stage", "a commit that is not registered"],
)
def test_choose__the_tags_that_decide(selector: Selector, tags: list[str]) -> None:
    choice = choose_version(LIFE, ARTIFACT, selector, "include")

    assert [tag.short_name for tag in choice.tags] == tags


def test_choose__none_says_what_there_is() -> None:
    with pytest.raises(
        NoSuchModel, match=r"stage dev not found for m .* Versions: v2\.0\.0, v1\.0\.0"
    ):
        choose_version(LIFE, ARTIFACT, AtStage("dev"), "include")


def test_choose__deprecated() -> None:
    with pytest.raises(NoSuchModel, match="is deprecated\\. Request another"):
        choose_version(model(("m@v1.0.0", A), ("m@deprecated", A)), ARTIFACT, Latest(), "include")


def test_stage_of() -> None:
    assert (stage_of(AtStage("prod")), stage_of(Latest())) == ("prod", "")


def test_listed() -> None:
    assert listed([]) == "none"
    assert (
        listed([str(number) for number in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    )


@pytest.mark.parametrize(
    ("selector", "meant"),
    [(AtStage("prd"), "'prod'"), (AtVersion("v2.0.1"), "'v2.0.0'")],
    ids=["stage", "version"],
)
def test_choose_version__a_mistyped_name(selector: Selector, meant: str) -> None:
    with pytest.raises(
        NoSuchModel, match=rf"Did you mean {meant}\? Stages: .*Versions: v2.0.0, v1.0.0"
    ):
        choose_version(LIFE, ARTIFACT, selector, "include")


def test_find_model__a_mistyped_name() -> None:
    with pytest.raises(NoSuchModel, match=r"Did you mean 'churn'\? Models: churn"):
        find_model(
            history.read([TagRef("churn@v1.0.0", A, 1, annotated=True)]),
            ArtifactRef("acme/models", ModelName("chrun")),
        )


def test_choice__who_registered_and_assigned_it() -> None:
    choice = choose_version(LIFE, ARTIFACT, AtStage("prod"), "include")
    commit = choose_version(LIFE, ARTIFACT, AtStage("canary"), "include")

    assert choice.registered is not None
    assert choice.assigned is not None
    assert (choice.registered.tag, choice.assigned.tag) == ("m@v2.0.0", "m#prod#2")
    assert (choice.registered.when, choice.assigned.when) == (1, 3)
    assert commit.registered is None
    assert choose_version(LIFE, ARTIFACT, Latest(), "include").assigned is None
