from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studio_action.gitrepo import diagnosis
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.server.web import views
from studio_action.server.web.paging import Page
from studio_action.server.web.views import EventView, ModelQuery, ModelView, Source, StageView
from tests.gitrepo.huge import soon
from tests.server.site import day, tag

SOURCE = Source("acme/models", "https://github.com/acme/models", "https://models.example.org")


def view(*refs: TagRef, **asked: str) -> ModelView:
    """The page of the first model that is tagged."""
    models = history.read(refs)
    name, model = next(iter(models.items()))
    requested = ModelQuery.parse(asked)
    events, findings = timeline.read(refs, models)[name], diagnosis.check_model(refs, model)
    return views.view_model(model, events, findings, requested, SOURCE)


def happened(*refs: TagRef, number: int = 1, most: int = 50) -> Page[EventView]:
    """A page of the history of all models."""
    models = history.read(refs)
    return views.view_history(timeline.read(refs, models).items(), number, most, SOURCE)


def test_shown__a_stage_and_who_gave_it_last() -> None:
    model = view(
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn@v1.1.0", "2", day(2)),
        tag("churn#prod#1", "2", day(3), by="Grace"),
        tag("churn#prod#2", "1", day(4), by="Ada"),
        tag("churn#prod#3", "2", day(5), by="Linus"),
    )

    assert model.stages == (StageView("prod", "v1.1.0", "v1.1.0", day(5), "Linus"),)


def test_shown__versions_with_who_registered_them_and_their_stages() -> None:
    model = view(
        tag("churn@v1.0.0", "1", day(1), by="Ada"),
        tag("churn@v1.1.0", "2", day(2), by="Grace"),
        tag("churn#prod", "1", day(3)),
        tag("churn#dev", "1", day(3)),
    )

    assert [(it.name, it.by, it.when, it.stages) for it in model.versions.items] == [
        ("v1.1.0", "Grace", day(2), ()),
        ("v1.0.0", "Ada", day(1), ("dev", "prod")),
    ]
    assert model.versions.items[0].page == f"https://github.com/acme/models/commit/{'2' * 40}"


def test_shown__a_commit_that_is_no_version() -> None:
    model = view(tag("churn#prod", "d", day(1)))

    assert model.stages[0].shown == "commit ddddddd"
    assert model.versions.items[0].shown == "commit ddddddd"


def numbered(count: int) -> list[TagRef]:
    return [
        TagRef(f"churn@v1.{number}.0", f"{number:040x}", number, annotated=True)
        for number in range(count)
    ]


def test_shown__versions_by_pages() -> None:
    refs = numbered(120)

    first, third, fourth = view(*refs), view(*refs, page="3"), view(*refs, page="4")

    assert [len(each.versions.items) for each in (first, third, fourth)] == [50, 20, 0]
    assert (first.versions.pages, first.versions.total) == (3, 120)
    assert first.versions.items[0].name == "v1.119.0"
    assert third.versions.items[-1].name == "v1.0.0"


def test_shown__the_version_before_each() -> None:
    refs = numbered(51)

    lower = [each.lower for each in view(*refs).versions.items]

    assert lower == [f"v1.{number}.0" for number in range(49, -1, -1)]
    assert view(*refs, page="2").versions.items[0].lower == ""


def test_shown__events_by_pages() -> None:
    refs = [*numbered(60), *(tag(f"fraud@v1.{number}.0", "1", day(1)) for number in range(3))]

    first, last = happened(*refs), happened(*refs, number=2)

    assert (len(first.items), first.pages, first.total, len(last.items)) == (50, 2, 63, 13)
    assert [it.model for it in first.items[:4]] == ["fraud", "fraud", "fraud", "churn"]
    assert last.items[-1].what == "v1.0.0 registered"
    assert happened(*refs, number=3).items == []


def test_shown__so_many_at_most() -> None:
    refs = [
        TagRef(f"churn{word}{number}", f"{number % 2:040x}", number, True)
        for number in range(1100)
        for word in ("@v1.0.", "#s")
    ]

    model = view(*refs)

    assert (len(model.versions.items), model.versions.total) == (50, 1100)
    assert (len(model.stages), model.further_stages) == (100, 1000)
    assert (len(model.versions.items[0].stages), model.versions.items[0].further_stages) == (5, 545)
    assert len(model.warnings) == 2


@pytest.mark.parametrize("text", ["0", "-1", "x", "1234567", "1 ", "\u0661", ""])
def test_parse__no_page(text: str) -> None:
    assert ModelQuery.parse({"page": text}).page == 1


def test_shown__the_history_of_all_models_newest_first() -> None:
    page = happened(
        tag("churn@v1.0.0", "1", day(1), by="Ada"),
        tag("fraud@v1.0.0", "2", day(2)),
        tag("churn#prod#1", "1", day(3)),
        tag("churn#prod!#2", "1", day(4)),
        tag("fraud#dev#1", "3", day(5)),
        tag("fraud@v1.0.0!", "2", day(6)),
        tag("fraud@deprecated", "2", day(7)),
        tag("idea@created", "2", day(8)),
    )

    assert [(it.model, it.what) for it in page.items] == [
        ("idea", "created"),
        ("fraud", "deprecated"),
        ("fraud", "v1.0.0 deregistered"),
        ("fraud", "commit 3333333 assigned to dev"),
        ("churn", "v1.0.0 unassigned from prod"),
        ("churn", "v1.0.0 assigned to prod"),
        ("fraud", "v1.0.0 registered"),
        ("churn", "v1.0.0 registered"),
    ]
    assert (page.items[-1].by, page.items[-1].when) == ("Ada", day(1))


def test_shown__warnings_of_the_tags() -> None:
    model = view(
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn@v1.1.0", "1", day(2)),
        tag("churn#prod", "1", day(3)),
    )

    assert model.warnings == (
        "v1.0.0 and v1.1.0 are one commit, 1111111: the stages given to it count for v1.1.0",
    )


def test_shown__a_name_that_would_turn_the_page_around() -> None:
    ref = tag("churn@v1.0.0", "1", day(1), by="\u202eevil\x00\x1b[31m")

    assert happened(ref).items[0].by == "�evil��[31m"
    assert view(ref).versions.items[0].by == "�evil��[31m"


@pytest.mark.parametrize(
    ("asked", "stage"),
    [
        pytest.param({}, "prod", id="the usual one"),
        pytest.param({"stage": "dev"}, "dev", id="the one asked for"),
        pytest.param({"stage": ""}, "", id="the latest version"),
        pytest.param({"stage": "nowhere"}, "prod", id="one that the model does not have"),
    ],
)
def test_shown__the_stage_of_the_snippet(asked: dict[str, str], stage: str) -> None:
    model = view(
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn#dev", "1", day(2)),
        tag("churn#prod", "1", day(2)),
        **asked,
    )

    assert model.stage == stage
    assert ("stage: " + stage in model.snippet) if stage else ("stage" not in model.snippet)


def test_shown__a_snippet_without_any_stage() -> None:
    model = view(tag("churn@v1.0.0", "1", day(1)))

    assert model.stage == ""
    assert "studio-url: https://models.example.org" in model.snippet


def test_asked__what_is_not_understood_is_nothing() -> None:
    assert ModelQuery.parse({"all": "yes", "ci": "jenkins", "what": "ever"}) == ModelQuery()


def test_shown__a_tagger_who_lives_far_away() -> None:
    page = happened(tag("churn@v1.0.0", "1", datetime(9999, 12, 31, tzinfo=timezone.utc)))

    assert page.items[0].when.year == 9999


WORDS = ("@v1.0.0", "@v1.1.0", "@v1.0.0!", "#prod#1", "#prod#2", "#prod!#3", "#dev", "@deprecated")
TAGS = st.builds(
    lambda word, number, commit, second: TagRef(
        f"m{word}{'' if '#' in word else f'#{number}'}", commit * 40, second, annotated=True
    ),
    st.sampled_from(WORDS),
    st.integers(1, 9),
    st.sampled_from("123"),
    st.integers(0, 5),
)


AGAIN = [TagRef(f"m#prod#{number}", "1" * 40, 0, annotated=True) for number in (1, 2)]


@given(st.lists(TAGS, max_size=12, unique_by=lambda ref: ref.name))
@example(AGAIN)
def test_shown__whatever_was_tagged(refs: list[TagRef]) -> None:
    assert happened(*refs).total == len(refs)
    if not refs:
        return
    model = view(*refs)
    held = {stage.name: stage.version for stage in model.stages}
    assert {stage for it in model.versions.items for stage in it.stages} == held.keys()


def test_shown__many_versions_and_stages_take_no_product_of_their_numbers() -> None:
    refs = [
        TagRef(f"churn{word}{number}", f"{number:040x}", number, True)
        for number in range(7000)
        for word in ("@v1.0.", "#s")
    ]

    with soon(5):
        model = view(*refs)

    assert model.versions.total == 7000
