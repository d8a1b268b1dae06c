from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, timeline
from studio_action.server.web.stage_timeline import Holding, holdings
from tests.server.site import day, tag


def held(*refs: TagRef, stage: str = "prod") -> list[Holding]:
    models = history.read(refs)
    return [
        each for events in timeline.read(refs, models).values() for each in holdings(events, stage)
    ]


def test_holdings__the_last_assignment_wins() -> None:
    found = held(
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn@v1.1.0", "2", day(1)),
        tag("churn#prod#1", "1", day(2), by="Ada"),
        tag("churn#dev#2", "2", day(3)),
        tag("churn#prod#3", "2", day(4), by="Grace"),
    )

    assert [(it.version, it.since, it.by, it.until, it.ended_by) for it in found] == [
        ("v1.1.0", day(4), "Grace", None, ""),
        ("v1.0.0", day(2), "Ada", day(4), "Grace"),
    ]
    assert found[0].lasted(day(9)).days == 5
    assert found[1].lasted(day(9)).days == 2


def test_holdings__what_was_taken_back() -> None:
    found = held(
        tag("churn#prod#1", "1", day(2)),
        tag("churn#prod#2", "2", day(3)),
        tag("churn#prod!#3", "1", day(4)),
        tag("churn#prod!#4", "2", day(5), by="\u202eLinus"),
    )

    assert [(it.version, it.since, it.until) for it in found] == [
        ("", day(3), day(5)),
        ("", day(2), day(3)),
    ]
    assert found[0].ended_by == "�Linus"


def test_holdings__a_version_that_is_gone_and_a_model_that_is_deprecated() -> None:
    gone = held(
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn#prod#1", "1", day(2)),
        tag("churn@v1.0.0!", "1", day(3)),
    )
    deprecated = held(tag("churn#prod#1", "1", day(2)), tag("churn@deprecated", "1", day(4)))

    assert [it.until for it in (*gone, *deprecated)] == [day(3), day(4)]


def test_holdings__a_date_that_somebody_made_up() -> None:
    (found,) = held(tag("churn#prod#1", "1", datetime(9999, 1, 1, tzinfo=timezone.utc)))

    assert found.lasted(day(1)).total_seconds() == 0


WORDS = ("#prod#{}", "#prod!#{}", "#dev#{}", "@v1.{}.0")


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from("123")), max_size=12))
def test_holdings__who_holds_it_now_is_as_gto_has_it(tags: list[tuple[str, str]]) -> None:
    refs = [
        TagRef(f"m{word.format(number)}", commit * 40, number, annotated=True)
        for number, (word, commit) in enumerate(tags, 1)
    ]

    found = held(*refs)
    models = history.read(refs)
    now = next(iter(models.values())).in_stage("prod") if models else None

    last = found[0] if found and found[0].until is None else None
    assert (last.revision if last else None) == (now.revision if now else None)
    assert [it.until for it in found[1:]] == [it.until for it in found[1:] if it.until]
    moments = [it.since for it in found]
    assert moments == sorted(moments, reverse=True)
