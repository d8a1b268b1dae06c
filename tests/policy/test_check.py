from __future__ import annotations

from dataclasses import replace

import pytest

from studio_action.errors import PolicyRefused
from studio_action.model.artifact import RemoteFile
from studio_action.policy.check import check, refusals
from studio_action.policy.facts import Facts
from studio_action.policy.requirements import Requirements
from tests.policy.facts import DAY, MD5, NOW, known, tag

R = Requirements
UNSIZED = (RemoteFile("a", "https://x/"), RemoteFile("b", "https://x/", 10, MD5))
STAGED = (tag("churn@v1.0.0", age=100 * DAY), tag("churn#prod#1", age=DAY))
BY_MALLORY = (tag("churn@v1.0.0"), tag("churn#prod#1", "mallory@example.net"))

KNOWN_TO_STUDIO = replace(known(stage="prod").resolution, source="studio")
BY_STUDIO = known("", stage="prod", branches={"main": True})
BY_STUDIO = replace(BY_STUDIO, resolution=replace(BY_STUDIO.resolution, source="studio"))


@pytest.mark.parametrize(
    ("required", "facts", "said"),
    [
        (R(branches=("main",)), known(branches={"main": True}), ""),
        (R(branches=("main",)), known(branches={"main": False}), "which is not on branch 'main'"),
        (R(branches=("main",)), known(branches={"main": None}), "has no branch 'main'"),
        (R(branches=("main",)), known(revision=""), "is not known, so its branch"),
        (R(taggers=(("*@example.com",),)), known(), ""),
        (R(taggers=(("ADA@example.COM",),)), known(), ""),
        (R(taggers=(("*@example.com",), ("bob@*",))), known(), "ada@example.com, who is not"),
        (R(taggers=(("ada@*",),)), known(tags=BY_MALLORY), "churn#prod#1 was made by mallory@"),
        (R(taggers=(("ada@*",),)), known(tags=BY_MALLORY[::-1]), "churn#prod#1 was made by"),
        (R(taggers=(("*@*",),)), known(tags=(tag("x", ""),)), "by nobody with an address"),
        (R(taggers=(("*",),)), known(tags=()), "so it is unknown who decided it"),
        (R(max_age=2 * DAY), known(), ""),
        (R(max_age=DAY - 1), known(), "is 1d old, dated 2027-01-14: at most 23h is allowed"),
        (R(max_age=2 * DAY), known(stage="prod", tags=STAGED), ""),
        (R(max_age=2 * DAY), known(tags=STAGED[::-1]), "tag churn@v1.0.0 is 100d old"),
        (R(max_age=DAY), known(tags=(tag("x", age=-2 * DAY),)), "is in the future"),
        (R(max_age=DAY), known(tags=(tag("x", age=-(1 << 60)),)), "is in the future"),
        (R(max_age=DAY), known(tags=(tag("x", age=-DAY // 2),)), ""),
        (R(released=True), known(), ""),
        (R(released=True), known("v1.0.0-rc.1"), "is v1.0.0-rc.1, a pre-release"),
        (R(released=True), known(""), "may be a pre-release"),
        (R(labels=frozenset({"a"})), known(labels=frozenset({"a", "b"})), ""),
        (R(labels=frozenset({"a", "c", "b"})), known(labels=frozenset({"b"})), "labels a, c in"),
        (R(digests=True), known(), ""),
        (R(digests=True), known(files=UNSIZED), "digests are required, but unknown for 'a'"),
        (R(minimum="v1.0.0"), known(), ""),
        (R(minimum="v1.0.1"), known(), "is v1.0.0, which is older than"),
        (R(minimum="v1.0.1"), known(""), "may be older than v1.0.1"),
        (R(branches=("main",)), BY_STUDIO, "Studio does not say which commit the stage prod"),
        (R(released=True), replace(BY_STUDIO, resolution=KNOWN_TO_STUDIO), ""),
        (R(max_size=1000), known(), ""),
        (R(max_size=999), known(), "has 1,000 bytes (1.0 kB), more than the 999"),
        (R(max_size=9), known(files=UNSIZED), "has 10 bytes"),
    ],
)
def test_check(required: Requirements, facts: Facts, said: str) -> None:
    if not said:
        check(required, facts)
        return
    with pytest.raises(PolicyRefused) as refused:
        check(required, facts)
    assert said in str(refused.value)
    assert refused.value.hint


def test_check__names_of_strangers_are_safe_to_show() -> None:
    facts = known(tags=(tag("churn@v1.0.0", "a\n::error::x\x1b[2J@evil"),))
    (refusal,) = refusals(R(taggers=(("b@*",),)), facts)
    assert "\n" not in str(refusal)
    assert "\x1b" not in str(refusal)


def test_refusals__all_of_them() -> None:
    required = R(branches=("main",), released=True, max_size=1, digests=True)
    facts = replace(known("v1.0.0-rc.1", files=UNSIZED), branches={"main": False}, now=NOW)
    assert len(list(refusals(required, facts))) == 4
