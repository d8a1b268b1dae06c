from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.server.web import views
from studio_action.server.web.views import ProjectQuery, ProjectView, Source, StageView
from tests.gitrepo.huge import soon
from tests.server.site import day, tag

SOURCE = Source("acme/models", "https://github.com/acme/models", "https://models.example.org")


def view(*refs: TagRef, **asked: str) -> ProjectView:
    models = history.read(refs)
    return views.view_project(
        models.values(), timeline.read(refs, models), ProjectQuery.parse(asked), SOURCE
    )


def test_shown__a_stage_and_who_gave_it_last() -> None:
    (model,) = view(
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn@v1.1.0", "2", day(2)),
        tag("churn#prod#1", "2", day(3), by="Grace"),
        tag("churn#prod#2", "1", day(4), by="Ada"),
        tag("churn#prod#3", "2", day(5), by="Linus"),
    ).models

    assert model.stages == (StageView("prod", "v1.1.0", day(5), "Linus"),)


def test_shown__versions_with_who_registered_them_and_their_stages() -> None:
    (model,) = view(
        tag("churn@v1.0.0", "1", day(1), by="Ada"),
        tag("churn@v1.1.0", "2", day(2), by="Grace"),
        tag("churn#prod", "1", day(3)),
        tag("churn#dev", "1", day(3)),
    ).models

    assert [(it.name, it.by, it.when, it.stages) for it in model.versions] == [
        ("v1.1.0", "Grace", day(2), ()),
        ("v1.0.0", "Ada", day(1), ("dev", "prod")),
    ]
    assert model.versions[0].page == f"https://github.com/acme/models/commit/{'2' * 40}"


def test_shown__a_commit_that_is_no_version() -> None:
    (model,) = view(tag("churn#prod", "d", day(1))).models

    assert model.stages[0].version == "commit ddddddd"
    assert model.versions[0].name == "commit ddddddd"


def numbered(count: int) -> list[TagRef]:
    return [
        tag(f"churn@v1.{number}.0", f"{number % 10}", day(1, number)) for number in range(count)
    ]


def test_shown__the_first_versions_and_events() -> None:
    refs = [TagRef(it.name, f"{at:040x}", it.when, True) for at, it in enumerate(numbered(24))]

    some, everything = view(*refs), view(*refs, model="churn", all="1")

    assert (len(some.models[0].versions), some.models[0].further) == (20, 4)
    assert (len(some.events), some.further_events) == (20, 4)
    assert some.models[0].versions[0].name == "v1.23.0"
    assert (len(everything.models[0].versions), everything.models[0].further) == (24, 0)
    assert (len(everything.events), everything.further_events) == (24, 0)


def test_shown__the_first_models() -> None:
    refs = [tag(f"model-{number:03}@v1.0.0", "1", day(1)) for number in range(60)]

    first, second, third = view(*refs), view(*refs, page="2"), view(*refs, page="3", all="1")

    assert (len(first.models), first.pages, first.models[0].name) == (50, 2, "model-000")
    assert (len(second.models), second.pages, second.models[0].name) == (10, 2, "model-050")
    assert (len(third.models), third.pages) == (0, 2)


def test_shown__so_many_at_most() -> None:
    refs = [
        TagRef(f"churn{word}{number}", f"{number:040x}", number, True)
        for number in range(1100)
        for word in ("@v1.0.", "#s")
    ]
    old = [
        ref
        for number in range(60)
        for ref in (
            tag(f"old{number}@v1.0.0", "1", day(1)),
            tag(f"old{number}@deprecated", "1", day(2)),
        )
    ]

    page = view(*refs, *old, model="churn", all="1")
    (churn,) = page.models
    assert (len(churn.versions), churn.further) == (1000, 100)
    assert (len(churn.stages), churn.further_stages) == (1000, 100)
    assert (len(page.events), page.further_events) == (1000, 1200)

    page = view(*refs, *old, all="1")
    (churn,) = page.models
    assert (len(churn.versions), churn.further) == (20, 1080)
    assert (len(churn.stages), churn.further_stages) == (20, 1080)
    assert (len(page.deprecated), page.further_deprecated) == (50, 10)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1234567", "1 ", "\u0661", ""])
def test_parse__no_page(text: str) -> None:
    assert ProjectQuery.parse({"page": text}).page == 1


def test_shown__one_model_of_many() -> None:
    page = view(tag("churn@v1.0.0", "1", day(1)), tag("fraud@v2.0.0", "2", day(2)), model="fraud")

    assert [it.name for it in page.models] == ["fraud"]
    assert [it.model for it in page.events] == ["fraud"]


def test_shown__deprecated_models_apart() -> None:
    page = view(
        tag("churn@v1.0.0", "1", day(1)),
        tag("old@v1.0.0", "2", day(2)),
        tag("old@deprecated", "2", day(3)),
    )

    assert [it.name for it in page.models] == ["churn"]
    assert page.deprecated == ("old",)


def test_shown__the_history_of_all_models_newest_first() -> None:
    page = view(
        tag("churn@v1.0.0", "1", day(1), by="Ada"),
        tag("fraud@v1.0.0", "2", day(2)),
        tag("churn#prod#1", "1", day(3)),
        tag("churn#prod!#2", "1", day(4)),
        tag("fraud#dev#1", "3", day(5)),
        tag("fraud@v1.0.0!", "2", day(6)),
        tag("fraud@deprecated", "2", day(7)),
        tag("idea@created", "2", day(8)),
    )

    assert [(it.model, it.what) for it in page.events] == [
        ("idea", "created"),
        ("fraud", "deprecated"),
        ("fraud", "is no longer registered as v1.0.0"),
        ("fraud", "commit 3333333 assigned to dev"),
        ("churn", "v1.0.0 taken from prod"),
        ("churn", "v1.0.0 assigned to prod"),
        ("fraud", "registered as v1.0.0"),
        ("churn", "registered as v1.0.0"),
    ]
    assert (page.events[-1].by, page.events[-1].when) == ("Ada", day(1))


def test_shown__warnings_of_the_tags() -> None:
    (model,) = view(
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn@v1.1.0", "1", day(2)),
        tag("churn#prod", "1", day(3)),
    ).models

    assert model.warnings == (
        "v1.0.0 and v1.1.0 are one commit, 1111111: the stages given to it count for v1.1.0",
    )


def test_shown__a_name_that_would_turn_the_page_around() -> None:
    page = view(tag("churn@v1.0.0", "1", day(1), by="\u202eevil\x00\x1b[31m"))

    assert page.events[0].by == "�evil��[31m"
    assert page.models[0].versions[0].by == "�evil��[31m"


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
    (model,) = view(
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn#dev", "1", day(2)),
        tag("churn#prod", "1", day(2)),
        **asked,
    ).models

    assert model.stage == stage
    assert ("stage: " + stage in model.snippet) if stage else ("stage" not in model.snippet)


def test_shown__a_snippet_without_any_stage() -> None:
    (model,) = view(tag("churn@v1.0.0", "1", day(1))).models

    assert model.stage == ""
    assert "studio-url: https://models.example.org" in model.snippet


@pytest.mark.parametrize(
    ("web", "page"),
    [
        ("https://github.com/a/b", "https://github.com/a/b/commit/c0ffee"),
        ("https://gitlab.example.org/a/b/c", "https://gitlab.example.org/a/b/c/-/commit/c0ffee"),
        ("https://bitbucket.org/a/b", "https://bitbucket.org/a/b/commits/c0ffee"),
        ("https://codeberg.org/a/b", "https://codeberg.org/a/b/commit/c0ffee"),
        ("", ""),
    ],
)
def test_commit_page(web: str, page: str) -> None:
    assert views.commit_page(web, "c0ffee") == page


def test_asked__what_is_not_understood_is_nothing() -> None:
    assert ProjectQuery.parse({"all": "yes", "ci": "jenkins", "what": "ever"}) == ProjectQuery()


def test_shown__a_tagger_who_lives_far_away() -> None:
    page = view(tag("churn@v1.0.0", "1", datetime(9999, 12, 31, tzinfo=timezone.utc)))

    assert page.events[0].when.year == 9999


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
    page = view(*refs)

    assert len(page.events) == len(refs)
    for model in page.models:
        held = {stage.name: stage.version for stage in model.stages}
        assert {stage for version in model.versions for stage in version.stages} == held.keys()


def test_shown__many_versions_and_stages_take_no_product_of_their_numbers() -> None:
    refs = [
        TagRef(f"churn{word}{number}", f"{number:040x}", number, True)
        for number in range(7000)
        for word in ("@v1.0.", "#s")
    ]

    with soon(5):
        page = view(*refs, model="churn", all="1")

    assert page.models[0].further == 6000
