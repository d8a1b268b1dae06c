from __future__ import annotations

from dataclasses import replace

import pytest

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto.deciding import deciding_tags
from studio_action.model.artifact import ArtifactRef, AtStage, AtVersion, Resolution
from tests.gitrepo.gto.events import M, commit, tagged

MODEL = ArtifactRef("https://git.example.org/acme/models", M)
HISTORY = ("m@v1.0.0 c1", "m@v2.0.0 c2", "m#prod#1 c1", "m#dev#2 c2", "m#test#3 c3")


def at_version(version: str, place: str) -> Resolution:
    revision = commit(place)
    return Resolution(MODEL, AtVersion(version), "git", (), version=version, revision=revision)


def at_stage(stage: str, version: str, place: str) -> Resolution:
    found = Resolution(MODEL, AtStage(stage), "git", (), version=version, stage=stage)
    return replace(found, revision=commit(place))


@pytest.mark.parametrize(
    ("found", "names"),
    [
        pytest.param(at_version("v1.0.0", "c1"), ["m@v1.0.0"], id="a version"),
        pytest.param(at_stage("prod", "v1.0.0", "c1"), ["m@v1.0.0", "m#prod#1"], id="a stage"),
        pytest.param(at_stage("test", "", "c3"), ["m#test#3"], id="a commit without a version"),
        pytest.param(at_version("v1.0.0", "c2"), [], id="the version is another commit"),
        pytest.param(at_stage("prod", "v2.0.0", "c2"), [], id="another version is in the stage"),
        pytest.param(at_stage("none", "v1.0.0", "c1"), [], id="nothing is in the stage"),
        pytest.param(at_version("v9.0.0", "c1"), [], id="no such version"),
    ],
)
def test_deciding_tags(found: Resolution, names: list[str]) -> None:
    assert [ref.name for ref in deciding_tags(tagged(*HISTORY), found)] == names


def test_deciding_tags__the_newest_registration_and_the_newest_assignment() -> None:
    refs = tagged(*HISTORY, "m@v1.0.0! c1", "m@v1.0.0#7 c1", "m#prod!#8 c1", "m#prod#9 c1")
    found = at_stage("prod", "v1.0.0", "c1")
    assert [ref.name for ref in deciding_tags(refs, found)] == ["m@v1.0.0#7", "m#prod#9"]


def test_deciding_tags__another_model() -> None:
    assert deciding_tags(tagged("other@v1.0.0 c1"), at_version("v1.0.0", "c1")) == ()


def test_deciding_tags__a_namesake_of_another_commit_says_nothing() -> None:
    """Git lets a tag be called `refs/tags/m@v1.0.0`, which GTO reads as `m@v1.0.0`."""
    forged = TagRef("m@v1.0.0", commit("c6"), 2_000_000_000, True, email="mallory@example.net")
    ours = TagRef("refs/tags/m@v1.0.0", commit("c1"), 1_900_000_000, True, email="ada@example.com")

    for refs in ([forged, ours], [ours, forged]):
        assert deciding_tags(refs, at_version("v1.0.0", "c6")) == (forged,)


def test_deciding_tags__a_lightweight_one_does_not_decide() -> None:
    refs = [TagRef("m@v1.0.0", commit("c1"), 0, annotated=False)]
    assert deciding_tags(refs, at_version("v1.0.0", "c1")) == ()
