from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from studio_action.errors import NoSuchModel, PolicyRefused, TokenRefused, Unreachable
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model, Prerelease
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Selector,
)
from studio_action.model.signed_tag import SignedTag
from studio_action.model.versions import InRange
from studio_action.registries.pinned import PinnedRegistry
from tests.fakes import MemoryRegistry

CHURN = ArtifactRef("acme/models", ModelName("churn"))
TAGS = {
    "churn@v1.0.0": "1" * 40,
    "churn@v1.1.0": "2" * 40,
    "churn@v2.0.0-rc.1": "3" * 40,
    "churn#prod#1": "1" * 40,
    "churn#prod#2": "2" * 40,
    "churn#dev#3": "4" * 40,
}
"""Commit by tag, in the order of time."""


def models() -> Mapping[ModelName, Model]:
    refs = (TagRef(name, TAGS[name], when, annotated=True) for when, name in enumerate(TAGS))
    return history.read(refs)


class Case:
    def __init__(
        self,
        read: Callable[[], Mapping[ModelName, Model]] = models,
        prerelease: Prerelease = "include",
    ) -> None:
        self.studio = MemoryRegistry({"m/a": b"weights"})
        self.said: list[str] = []
        self.registry = PinnedRegistry(self.studio, read, prerelease, self.said.append)


@pytest.mark.parametrize(
    ("selector", "version", "tag", "revision", "previous"),
    [
        pytest.param(AtStage("prod"), "v1.1.0", "churn@v1.1.0", "2" * 40, "v1.0.0", id="stage"),
        pytest.param(Latest(), "v2.0.0-rc.1", "churn@v2.0.0-rc.1", "3" * 40, "", id="latest"),
        pytest.param(AtVersion("v1.0.0"), "v1.0.0", "churn@v1.0.0", "1" * 40, "", id="version"),
        pytest.param(InRange.parse("^1.0"), "v1.1.0", "churn@v1.1.0", "2" * 40, "", id="range"),
    ],
)
def test_resolve(selector: Selector, version: str, tag: str, revision: str, previous: str) -> None:
    case = Case()

    found = case.registry.resolve(CHURN, selector)

    assert case.studio.asked == [(CHURN, AtVersion(version))]
    told = (found.version, found.tag, found.revision, found.previous_version)
    assert told == (version, tag, revision, previous)
    assert found.selector == selector


def test_resolve__prerelease() -> None:
    case = Case(prerelease="exclude")
    assert case.registry.resolve(CHURN, Latest()).version == "v1.1.0"


def test_resolve__the_same_version_however_often() -> None:
    moving = iter([models(), {}])
    case = Case(lambda: next(moving))
    first = case.registry.resolve(CHURN, AtStage("prod"))
    assert case.registry.resolve(CHURN, AtStage("prod")).version == first.version == "v1.1.0"


def test_resolve__a_commit_that_was_never_registered() -> None:
    case = Case()
    found = case.registry.resolve(CHURN, AtStage("dev"))
    assert case.studio.asked == [(CHURN, AtStage("dev"))]
    assert (found.version, found.stage, found.revision) == ("", "dev", "4" * 40)


def test_resolve__a_stage_that_nothing_holds() -> None:
    case = Case()
    with pytest.raises(
        NoSuchModel, match=r"Stages: dev, prod. Versions: v2.0.0-rc.1, v1.1.0, v1.0.0"
    ):
        case.registry.resolve(CHURN, AtStage("staging"))
    assert case.studio.asked == []


def unreadable() -> Mapping[ModelName, Model]:
    raise Unreachable("no way to the repository")


@pytest.mark.parametrize(
    ("read", "said"), [(unreadable, "no way to the repository"), (dict, "no tag of acme/models")]
)
def test_resolve__without_tags_the_question_is_put_as_it_is(
    read: Callable[[], Mapping[ModelName, Model]], said: str
) -> None:
    case = Case(read)
    assert case.registry.resolve(CHURN, AtStage("prod")).version == ""
    assert case.studio.asked == [(CHURN, AtStage("prod"))]
    assert said in case.said[0]


@pytest.mark.parametrize(
    ("selector", "prerelease"), [(InRange.parse("^1"), "include"), (Latest(), "exclude")]
)
def test_resolve__what_cannot_be_asked_without_tags(
    selector: Selector, prerelease: Prerelease
) -> None:
    case = Case(unreadable, prerelease)
    with pytest.raises(Unreachable, match="no way to the repository"):
        case.registry.resolve(CHURN, selector)


# With signatures of tags


def signed_by_ada(tags: Sequence[TagRef]) -> tuple[SignedTag, ...]:
    return tuple(SignedTag(tag.short_name, "ssh", "ada", "SHA256:x") for tag in tags)


class SignedCase:
    def __init__(self, read: Callable[[], Mapping[ModelName, Model]] = models, **answer: str):
        self.studio = MemoryRegistry({"m/a": b"weights"}, resolved=answer)
        self.registry = PinnedRegistry(
            self.studio, read, "include", lambda _: None, check_tags=signed_by_ada
        )


def test_resolve__the_tags_that_decide_are_checked() -> None:
    found = SignedCase().registry.resolve(CHURN, AtStage("prod"))

    assert [each.tag for each in found.signed_tags] == ["churn@v1.1.0", "churn#prod#2"]


def test_resolve__a_server_that_has_another_commit() -> None:
    case = SignedCase(revision="9" * 40)

    with pytest.raises(PolicyRefused, match=r"is commit 9999999, but the signed tag .* 2222222"):
        case.registry.resolve(CHURN, AtStage("prod"))


def test_resolve__studio_does_not_say_which_commit_it_is() -> None:
    with pytest.raises(PolicyRefused, match="Studio does not say which commit"):
        SignedCase().registry.resolve(CHURN, AtStage("dev"))


def test_resolve__a_server_that_says_which_commit_it_is() -> None:
    found = SignedCase(revision="4" * 40).registry.resolve(CHURN, AtStage("dev"))

    assert [each.tag for each in found.signed_tags] == ["churn#dev#3"]


def private() -> Mapping[ModelName, Model]:
    raise TokenRefused("access was refused")


@pytest.mark.parametrize(
    ("read", "error"), [(private, PolicyRefused), (dict, PolicyRefused), (unreadable, Unreachable)]
)
def test_resolve__tags_that_nobody_can_check(
    read: Callable[[], Mapping[ModelName, Model]], error: type[Exception]
) -> None:
    case = SignedCase(read)

    with pytest.raises(error):
        case.registry.resolve(CHURN, AtStage("prod"))
    assert case.studio.asked == []


def test_resolve__a_mistyped_model_that_studio_does_not_know_either() -> None:
    case = Case()
    case.studio.missing = True

    with pytest.raises(NoSuchModel, match=r"no stage prod of chrun .* Did you mean 'churn'\?"):
        case.registry.resolve(ArtifactRef("acme/models", ModelName("chrun")), AtStage("prod"))
