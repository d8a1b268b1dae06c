from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.server.api.listing import listed
from studio_action.server.registry.models import Catalogue
from tests.gitrepo.huge import soon

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def tag(name: str, commit: str, when: int, tagger: str = "Ada") -> TagRef:
    return TagRef(name, commit * 40, when, annotated=True, tagger=tagger)


def of_tags(*refs: TagRef) -> list[dict[str, Any]]:
    """The models in the document about a repository with these tags."""
    models = history.read(refs)
    catalogue = Catalogue(models, timeline.read(refs, models), NOW)
    document = listed("acme/models", catalogue).model_dump(mode="json")
    assert (document["repo"], document["refreshed"]) == ("acme/models", "2026-11-22T12:00:00Z")
    found: list[dict[str, Any]] = document["models"]
    return found


def test_listed__versions_and_who_registered_and_assigned_them() -> None:
    (churn,) = of_tags(
        tag("churn@v1.0.0", "a", 0),
        tag("churn@v1.1.0", "b", 60, "Bo"),
        tag("churn#prod#1", "a", 120, "Cy"),
        tag("churn#prod#2", "b", 180, "Di"),
        tag("churn#dev#3", "a", 240, "Ed"),
    )

    assert churn == {
        "name": "churn",
        "deprecated": False,
        "warnings": [],
        "versions": [
            {
                "version": "v1.1.0",
                "revision": "b" * 40,
                "tag": "churn@v1.1.0",
                "registered_at": "1970-01-01T00:01:00Z",
                "registered_by": "Bo",
                "stages": ["prod"],
            },
            {
                "version": "v1.0.0",
                "revision": "a" * 40,
                "tag": "churn@v1.0.0",
                "registered_at": "1970-01-01T00:00:00Z",
                "registered_by": "Ada",
                "stages": ["dev"],
            },
        ],
        "stages": [
            {
                "stage": "dev",
                "version": "v1.0.0",
                "revision": "a" * 40,
                "assigned_at": "1970-01-01T00:04:00Z",
                "assigned_by": "Ed",
            },
            {
                "stage": "prod",
                "version": "v1.1.0",
                "revision": "b" * 40,
                "assigned_at": "1970-01-01T00:03:00Z",
                "assigned_by": "Di",
            },
        ],
    }


def test_listed__a_commit_that_has_a_stage_only() -> None:
    (churn,) = of_tags(tag("churn#dev#1", "a", 0))

    assert churn["versions"] == []
    assert churn["stages"] == [
        {
            "stage": "dev",
            "version": "",
            "revision": "a" * 40,
            "assigned_at": "1970-01-01T00:00:00Z",
            "assigned_by": "Ada",
        }
    ]


def test_listed__a_stage_that_was_given_twice() -> None:
    (churn,) = of_tags(
        tag("churn@v1.0.0", "a", 0),
        tag("churn#dev#1", "a", 60, "Bo"),
        tag("churn#dev#2", "a", 120, "Cy"),
    )

    (stage,) = churn["stages"]
    assert stage["assigned_by"] == "Cy"


def test_listed__deprecated() -> None:
    (churn,) = of_tags(tag("churn@v1.0.0", "a", 0), tag("churn@deprecated", "a", 60))

    assert (churn["deprecated"], churn["versions"], churn["stages"]) == (True, [], [])


def test_listed__by_name() -> None:
    models = of_tags(tag("b@v1.0.0", "a", 0), tag("a@v1.0.0", "a", 0), tag("x=c@v1.0.0", "a", 0))

    assert [model["name"] for model in models] == ["a", "b", "x:c"]


def test_listed__a_date_beyond_any_calendar() -> None:
    (churn,) = of_tags(tag("churn@v1.0.0", "a", 10**15))

    assert churn["versions"][0]["registered_at"].startswith("9999")


def test_listed__many_versions_and_stages_take_no_product_of_their_numbers() -> None:
    refs = [
        TagRef(f"churn{word}{number}", f"{number:040x}", number, True)
        for number in range(7000)
        for word in ("@v1.0.", "#s")
    ]

    with soon(5):
        (churn,) = of_tags(*refs)

    assert (len(churn["versions"]), len(churn["stages"])) == (7000, 7000)
    assert churn["versions"][0]["stages"] == ["s6999"]


def test_listed__a_tagger_cannot_write_to_a_terminal() -> None:
    (churn,) = of_tags(
        tag("churn@v1.0.0", "a", 0, "\x1b[31mAda\u202e"),
        tag("churn#prod", "a", 1, "\x1b[31mAda\u202e"),
    )

    assert churn["versions"][0]["registered_by"] == "\ufffd[31mAda\ufffd"
    assert churn["stages"][0]["assigned_by"] == "\ufffd[31mAda\ufffd"
