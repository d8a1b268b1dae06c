from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model, Prerelease
from studio_action.model.artifact import AtStage, AtVersion, Latest, ModelName, Selector
from studio_action.model.versions import InRange
from tests import sample
from tests.gitrepo.gto.events import START, M, commit, model, tagged
from tests.gitrepo.repositories import git

RELEASES = ("m@v1.0.0 c1", "m@v1.1.0 c2", "m@v2.0.0-rc.1 c3", "m@v1.10.0 c4")
ROLLED_BACK = (*RELEASES, "m#prod#1 c2", "m#prod#2 c4", "m#prod#3 c1")
WITHDRAWN = ("m@v1.0.0 c1", "m@v2.0.0 c2", "m#prod#1 c2", "m@v2.0.0! c2")
DEPRECATED = ("m@v1.0.0 c1", "m#prod#1 c1", "m@deprecated c1")
ONE_COMMIT = ("m@v1.0.0 c1", "m@v1.0.1 c1")

VECTORS: dict[str, tuple[tuple[str, ...], dict[str, str | None]]] = {
    "a pre-release can be the latest": (ROLLED_BACK, {"@latest": "v2.0.0-rc.1"}),
    "the last assignment wins, not the highest version": (ROLLED_BACK, {"#prod": "v1.0.0"}),
    "an unassigned stage is gone": (
        (*ROLLED_BACK, "m#dev#4 c3", "m#dev!#5 c3"),
        {"#dev": None, "#prod": "v1.0.0"},
    ),
    "a version that no longer counts is gone, and from its stages": (
        WITHDRAWN,
        {"@latest": "v1.0.0", "@v2.0.0": None, "#prod": None},
    ),
    "registered again, it has its stages again": (
        (*WITHDRAWN, "m@v2.0.0#2 c2"),
        {"@latest": "v2.0.0", "@v2.0.0": "v2.0.0", "#prod": "v2.0.0"},
    ),
    "taken from the newest, a stage falls back to the one before": (
        ("m@v1.0.0 c1", "m@v2.0.0 c2", "m#prod#1 c1", "m#prod#2 c2", "m#prod!#3 c2"),
        {"#prod": "v1.0.0"},
    ),
    "a commit can be assigned without being registered": (
        ("m#prod#1 c1",),
        {"#prod": commit("c1"), "@latest": commit("c1")},
    ),
    "two versions of one commit": (ONE_COMMIT, {"@latest": "v1.0.1", "@v1.0.0": "v1.0.0"}),
    "two versions of one commit, which has a stage": (
        (*ONE_COMMIT, "m#prod#1 c1"),
        {"@latest": "v1.0.1", "@v1.0.0": "v1.0.0", "#prod": "v1.0.1"},
    ),
    "assigned within one second, the older version holds": (
        ("m@v1.0.0 c1 1", "m@v2.0.0 c2 2", "m#prod#1 c1 3", "m#prod#2 c2 3"),
        {"#prod": "v1.0.0"},
    ),
    "assigned within one second the other way round": (
        ("m@v1.0.0 c1 1", "m@v2.0.0 c2 2", "m#prod#1 c2 3", "m#prod#2 c1 3"),
        {"#prod": "v1.0.0"},
    ),
    "a deprecated model has nothing": (
        DEPRECATED,
        {"@latest": None, "#prod": None, "@v1.0.0": None},
    ),
    "a deprecated model is revived by any tag": (
        (*DEPRECATED, "m@v1.1.0 c2"),
        {"@latest": "v1.1.0", "#prod": "v1.0.0"},
    ),
    "a model of a folder is another model": (
        ("sub=m@v1.0.0 c1", "m@v3.0.0 c1"),
        {"@latest": "v3.0.0"},
    ),
    "the later of two that differ in build metadata": (
        ("m@v1.0.0+b2 c1", "m@v1.0.0+b1 c2"),
        {"@latest": "v1.0.0+b1"},
    ),
    "the later of two that differ in build metadata, swapped": (
        ("m@v1.0.0+b1 c1", "m@v1.0.0+b2 c2"),
        {"@latest": "v1.0.0+b2"},
    ),
    "assigned first, registered later": (
        ("m#prod#1 c1", "m@v1.0.0 c1"),
        {"#prod": "v1.0.0", "@latest": "v1.0.0"},
    ),
    "a release is higher than its pre-releases": (
        ("m@v1.0.0-rc.1 c1", "m@v1.0.0 c2", "m@v1.0.0-rc.2 c3"),
        {"@latest": "v1.0.0"},
    ),
    "one version in two stages": (
        ("m@v1.0.0 c1", "m#dev#1 c1", "m#prod#2 c1"),
        {"#dev": "v1.0.0", "#prod": "v1.0.0"},
    ),
    "a stage's letters have a case": (("m@v1.0.0 c1", "m#Prod#1 c1"), {"#prod": None}),
    "a created model": (("m@v1.0.0 c1", "m@created c1"), {"@latest": "v1.0.0"}),
    "numbers in a pre-release are numbers": (
        ("m@v1.0.0-beta.2 c1", "m@v1.0.0-beta.11 c2"),
        {"@latest": "v1.0.0-beta.11"},
    ),
    "a version is higher than an assigned commit": (
        ("m@v0.0.1-a c1", "m#prod#1 c9"),
        {"@latest": "v0.0.1-a", "#prod": commit("c9")},
    ),
    "within one second no longer counting is last": (
        ("m@v1.0.0 c1 1", "m@v1.0.0! c1 1"),
        {"@latest": None},
    ),
    "within one second being taken is last": (
        ("m@v1.0.0 c1 1", "m#prod#1 c1 2", "m#prod!#2 c1 2"),
        {"#prod": None},
    ),
    "within one second being deprecated is first": (
        ("m@v1.0.0 c1 1", "m@deprecated c1 1"),
        {"@latest": "v1.0.0"},
    ),
    "a commit's own date is no event": (
        ("m@v1.0.0 c1 -300", "m@deprecated c1 -200"),
        {"@latest": None},
    ),
    "a stage taken where it never was": (
        ("m@v1.0.0 c1", "m@v2.0.0 c2", "m#prod#1 c1", "m#prod!#2 c2"),
        {"#prod": "v1.0.0"},
    ),
    "a version that no longer counts, at a commit where it never was": (
        ("m@v1.0.0 c1", "m@v1.0.0! c2"),
        {"@v1.0.0": "v1.0.0"},
    ),
    "a stage taken from a mere commit is gone": (
        ("m#prod#1 c1", "m#prod!#2 c1"),
        {"#prod": None, "@latest": commit("c1")},
    ),
    "the version that counts has the stages of a commit": (
        ("m@v9.0.0 c1", "m@v9.0.0! c1", "m@v1.0.0 c1", "m#prod c1"),
        {"#prod": "v1.0.0"},
    ),
}


def selector(query: str) -> Selector:
    if query == "@latest":
        return Latest()
    return AtVersion(query[1:]) if query.startswith("@") else AtStage(query[1:])


ANSWERS = [
    pytest.param(events, query, answer, id=f"{case}, {query}")
    for case, (events, answers) in VECTORS.items()
    for query, answer in answers.items()
]


@pytest.mark.parametrize(("events", "query", "answer"), ANSWERS)
def test_select(events: tuple[str, ...], query: str, answer: str | None) -> None:
    found = history.select(model(*events), selector(query))

    assert (found.name if found else None) == answer


def test_read__models_of_folders_are_by_themselves() -> None:
    models = history.read(tagged("sub=m@v1.0.0 c1", "m@v3.0.0 c1"))

    assert {str(name): found.versions[0].name for name, found in models.items()} == {
        "sub:m": "v1.0.0",
        "m": "v3.0.0",
    }


def test_read__a_version_is_the_commit_and_tag_of_its_newest_registration() -> None:
    found = model("m@v1.0.0 c1 1", "m@v1.0.0! c1 2", "m@v1.0.0#2 c1 3", "m#prod c1 4")

    held = found.in_stage("prod")
    assert held is not None
    assert (held.name, held.revision, held.tag, held.when) == (
        "v1.0.0",
        commit("c1"),
        "m@v1.0.0#2",
        START + 3,
    )


def test_read__the_sample_as_gto_has_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare")
    git(tmp_path, "fetch", "--quiet", str(sample.BUNDLE), "refs/*:refs/*")
    lines = git(tmp_path, "for-each-ref", f"--format={FORMAT}", "refs/tags").splitlines()
    refs = [
        TagRef(name, peeled or own, int(when or 0), annotated=bool(peeled))
        for name, own, peeled, when in (line.split("|") for line in lines)
    ]

    assert {str(name): told(found) for name, found in history.read(refs).items()} == {
        name: {
            "latest": model["latest"],
            "stages": model["stages"],
            "versions": {name: it["revision"] for name, it in model["versions"].items()},
        }
        for name, model in sample.expected()["models"].items()
    }


FORMAT = "%(refname)|%(objectname)|%(*objectname)|%(taggerdate:unix)"


def told(found: Model) -> dict[str, object]:
    latest = found.latest()
    return {
        "latest": latest.name if latest else None,
        "stages": {stage: holders[0].name for stage, holders in found.stages.items()},
        "versions": {version.name: version.revision for version in found.versions},
    }


def test_read__a_mere_commit_in_two_stages_has_the_tag_of_each() -> None:
    found = model("m#prod#1 c1", "m#dev#2 c1", "m#old#3 c1", "m#old!#4 c1")

    holders = {stage: holder.tag for stage, (holder,) in found.stages.items()}
    assert holders == {"prod": "m#prod#1", "dev": "m#dev#2"}


def test_read__an_assigned_commit_is_not_registered() -> None:
    found = model("m#prod#1 c1").in_stage("prod")

    assert (found.name, found.revision) == (commit("c1"), commit("c1"))
    assert (found.tag, found.when) == ("m#prod#1", START)
    assert not found.registered


def test_read__names_with_and_without_refs_tags() -> None:
    bare = tagged("m@v1.0.0 c1", "m#prod c1", "n@v1.0.0 c2")
    full = [replace(ref, name=f"refs/tags/{ref.name}") for ref in bare]

    assert {str(name): told(found) for name, found in history.read(full).items()} == {
        str(name): told(found) for name, found in history.read(bare).items()
    }
    assert history.read(full)[M].versions[0].tag == "m@v1.0.0"


def test_read__lightweight_tags_do_not_count() -> None:
    assert history.read([TagRef("m@v1.0.0", commit("c1"), 0, annotated=False)]) == {}


def test_read__other_tags_do_not_count() -> None:
    assert history.read(tagged("spring-2026 c1", "v1.0.0 c1", "m@1.0.0 c1")) == {}


def test_read__a_number_without_end_is_no_version() -> None:
    assert history.read(tagged(f"m@v{'9' * 5000}.0.0 c1")) == {}


def test_read__two_versions_of_one_commit_are_told() -> None:
    found = model(*ONE_COMMIT, "m#prod c1", "m#dev c1")

    assert found.warnings == (
        "v1.0.0 and v1.0.1 are one commit, 1111111: the stages given to it count for v1.0.1",
    )


def test_read__two_versions_of_one_commit_without_a_stage_are_fine() -> None:
    assert model(*ONE_COMMIT).warnings == ()


def test_read__one_version_at_two_commits_is_told() -> None:
    found = model("m@v1.0.0#1 c1", "m@v1.0.0#2 c2")

    assert found.warnings == (
        "v1.0.0 is registered at several commits, 1111111, 2222222: 2222222 counts",
    )
    version = found.at_version("v1.0.0")
    assert version is not None
    assert version.revision == commit("c2")


def test_read__deprecated() -> None:
    found = model(*DEPRECATED)

    assert found == history.Model(M, (), {}, deprecated=True)


@given(st.randoms(use_true_random=False))
def test_read__the_order_of_tags_means_nothing(shuffler: random.Random) -> None:
    refs = tagged(*ROLLED_BACK, *DEPRECATED, "m@v3.0.0 c3", *ONE_COMMIT)
    shuffled = list(refs)
    shuffler.shuffle(shuffled)

    assert history.read(shuffled) == history.read(refs)


@pytest.mark.parametrize(
    ("events", "previous"),
    [
        (("m#prod#1 c1", "m#prod#2 c2"), "v1.0.0"),
        (("m#prod#1 c1", "m#prod#2 c2", "m#prod#3 c1"), "v2.0.0"),
        (("m#prod#1 c1", "m#prod#2 c2", "m#prod!#3 c2"), None),
        (("m#prod#1 c1", "m#prod#2 c2", "m@v1.0.0! c1"), None),
        (("m#prod#1 c1", "m#dev#2 c2"), None),
        ((), None),
    ],
    ids=[
        "the one before",
        "after a roll-back, what was rolled back",
        "after it was taken away, none",
        "not one that no longer counts",
        "not of another stage",
        "never assigned",
    ],
)
def test_previous_in_stage(events: tuple[str, ...], previous: str | None) -> None:
    found = model("m@v1.0.0 c1", "m@v2.0.0 c2", *events).previous_in_stage("prod")

    assert (found.name if found else None) == previous


@pytest.mark.parametrize(
    ("prerelease", "latest"),
    [("include", "v2.0.0-rc.1"), ("exclude", "v1.10.0"), ("only", "v2.0.0-rc.1")],
)
def test_latest__pre_releases(prerelease: Prerelease, latest: str) -> None:
    found = model(*RELEASES).latest(prerelease)

    assert found is not None
    assert found.name == latest


@pytest.mark.parametrize(
    ("prerelease", "latest"),
    [("include", commit("c1")), ("exclude", commit("c1")), ("only", None)],
)
def test_latest__an_assigned_commit_is_no_pre_release(
    prerelease: Prerelease, latest: str | None
) -> None:
    found = model("m#prod c1").latest(prerelease)

    assert (found.name if found else None) == latest


@pytest.mark.parametrize(
    ("wanted", "prerelease", "highest"),
    [
        ("^1", "include", "v1.10.0"),
        ("~1.1", "include", "v1.1.0"),
        (">=1", "include", "v2.0.0-rc.1"),
        (">=1", "exclude", "v1.10.0"),
        (">=1", "only", "v2.0.0-rc.1"),
        ("<2", "include", "v1.10.0"),
        ("<2", "only", None),
        (">2", "include", None),
    ],
)
def test_matching(wanted: str, prerelease: Prerelease, highest: str | None) -> None:
    found = history.select(model(*RELEASES, "m#prod c9"), InRange.parse(wanted), prerelease)

    assert (found.name if found else None) == highest


names = st.sampled_from(
    ["m@v1.0.0", "m@v1.0.1", "m@v1.0.0!", "m#prod", "m#prod!", "m#dev", "m@deprecated", "m@created"]
)
refs = st.builds(
    TagRef,
    st.builds("{}#{}".format, names, st.integers(0, 99)),
    st.sampled_from([commit("c1"), commit("c2")]),
    st.integers(0, 5),
    st.booleans(),
)


@given(st.lists(refs, max_size=30))
def test_read__whatever_holds_a_stage_is_a_version_that_counts(tags: list[TagRef]) -> None:
    for found in history.read(tags).values():
        counting = {(version.name, version.revision) for version in found.versions}
        holders = {holder for holders in found.stages.values() for holder in holders}
        assert {(holder.name, holder.revision) for holder in holders} <= counting


@given(st.lists(st.builds(TagRef, st.text(), st.just(commit("c1")), st.integers(), st.booleans())))
def test_read__never_fails(tags: list[TagRef]) -> None:
    assert all(isinstance(name, ModelName) for name in history.read(tags))
