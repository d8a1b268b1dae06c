from __future__ import annotations

from datetime import datetime, timezone

import pytest

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName

ONE, TWO = "1" * 40, "2" * 40


def events(*tags: tuple[str, str]) -> tuple[Event, ...]:
    """The events of the model `m`, whose tags were made a second after one another by Ada."""
    refs = [
        TagRef(name, revision, when, True, "Ada Example")
        for when, (name, revision) in enumerate(tags)
    ]
    return timeline.read(refs, history.read(refs))[ModelName("m")]


@pytest.mark.parametrize(
    ("tag", "kind", "version", "stage"),
    [
        ("m@v1.0.0", "registered", "v1.0.0", ""),
        ("m@v1.0.0!", "deregistered", "v1.0.0", ""),
        ("m#prod#1", "assigned", "", "prod"),
        ("m#prod!#2", "unassigned", "", "prod"),
        ("m@deprecated", "deprecated", "", ""),
        ("m@created", "created", "", ""),
    ],
)
def test_read__each_kind_of_tag(tag: str, kind: timeline.Kind, version: str, stage: str) -> None:
    when = datetime(1970, 1, 1, tzinfo=timezone.utc)

    assert events((tag, ONE)) == (Event(when, "Ada Example", kind, version, stage, tag, ONE),)


def test_read__newest_first() -> None:
    found = events(("m@v1.0.0", ONE), ("m#prod#1", ONE), ("m@v2.0.0", TWO), ("m#prod#2", TWO))

    assert [event.tag for event in found] == ["m#prod#2", "m@v2.0.0", "m#prod#1", "m@v1.0.0"]


@pytest.mark.parametrize(
    ("tags", "version"),
    [
        ([("m@v1.0.0", ONE), ("m@v2.0.0", TWO), ("m#prod", ONE)], "v1.0.0"),
        ([("m#prod", ONE), ("m@v1.0.0", ONE)], "v1.0.0"),
        ([("m@v1.9.0", ONE), ("m@v1.10.0", ONE), ("m#prod", ONE)], "v1.10.0"),
        ([("m@v1.0.0", ONE), ("m@v2.0.0", ONE), ("m@v2.0.0!", ONE), ("m#prod", ONE)], "v1.0.0"),
        ([("m@v1.0.0", ONE), ("m#prod", ONE), ("m@v1.0.0!", ONE)], "v1.0.0"),
        ([("m@v1.0.0", ONE), ("m#prod", ONE), ("m@deprecated", TWO)], "v1.0.0"),
        ([("m@v1.0.0", ONE), ("m#prod", TWO)], ""),
    ],
    ids=[
        "registered",
        "registered later",
        "several",
        "one that counts",
        "deregistered since",
        "deprecated since",
        "never registered",
    ],
)
def test_read__which_version_an_assignment_meant(tags: list[tuple[str, str]], version: str) -> None:
    (assigned,) = [event for event in events(*tags) if event.kind == "assigned"]

    assert assigned.version == version


def test_read__each_model_has_its_own() -> None:
    refs = [TagRef("a@v1.0.0", ONE, 0, True), TagRef("sub=a@v1.0.0", ONE, 0, True)]
    found = timeline.read(refs, history.read(refs))

    assert {str(name): [each.tag for each in of] for name, of in found.items()} == {
        "a": ["a@v1.0.0"],
        "sub:a": ["sub=a@v1.0.0"],
    }


def test_read__tags_that_do_not_count() -> None:
    refs = [
        TagRef("m@v1.0.0", ONE, 0, True),
        TagRef("m@v1.1.0", ONE, 0, annotated=False),
        TagRef("spring-2026", ONE, 0, True),
        TagRef(f"m#{'x' * history.LONGEST_NAME}", ONE, 0, True),
    ]

    (event,) = timeline.read(refs, history.read(refs))[ModelName("m")]
    assert event.tag == "m@v1.0.0"


@pytest.mark.parametrize(("when", "year"), [(2**62, 9999), (-(2**40), 1970)], ids=["far", "before"])
def test_read__a_date_that_no_calendar_has(when: int, year: int) -> None:
    refs = [TagRef("m@v1.0.0", ONE, when, True)]

    (event,) = timeline.read(refs, history.read(refs))[ModelName("m")]
    assert event.when.year == year
