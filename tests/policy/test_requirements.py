from __future__ import annotations

import pytest
from hypothesis import given

from studio_action.errors import PolicyRefused
from studio_action.policy.check import refusals
from studio_action.policy.facts import Facts
from studio_action.policy.requirements import Requirements, merge
from studio_action.policy.rollback import OnRollback, VersionLimits
from tests.policy import facts as any_

NOTHING = Requirements()


def permits(required: Requirements, facts: Facts) -> bool:
    return not list(refusals(required, facts))


@given(any_.requirements, any_.requirements, any_.facts)
def test_merge__permits_exactly_what_both_permit(
    policy: Requirements, inputs: Requirements, facts: Facts
) -> None:
    both = permits(policy, facts) and permits(inputs, facts)
    assert permits(merge([policy, inputs]), facts) is both


@given(any_.requirements, any_.requirements)
def test_merge__is_as_strict_in_any_order(one: Requirements, other: Requirements) -> None:
    assert merge([one, one]) == merge([one, NOTHING]) == one & one
    first, second = one & other, other & one
    assert set(first.branches) == set(second.branches)
    assert set(first.taggers) == set(second.taggers)
    assert set(first.signatures) == set(second.signatures) >= set(one.signatures)
    assert (first.minimum, first.rollback) == (second.minimum, second.rollback)
    assert (first.max_age, first.max_size, first.labels) == (
        second.max_age,
        second.max_size,
        second.labels,
    )


@given(any_.facts)
def test_merge__of_nothing_permits_everything(facts: Facts) -> None:
    assert permits(merge([]), facts)
    assert not merge([])


@given(any_.requirements)
def test_of_repository__what_asks_for_nothing_there_needs_no_commit(
    required: Requirements,
) -> None:
    unknown = any_.known(revision="", tags=())
    refused = "is not known, so its branch" in " ".join(map(str, refusals(required, unknown)))
    assert refused is required.of_repository


@pytest.mark.parametrize("given", ["allow", "warn", "refuse"])
@pytest.mark.parametrize("rule", ["allow", "warn", "refuse"])
def test_rollback__the_stricter_one_counts(given: OnRollback, rule: OnRollback) -> None:
    limits = VersionLimits(on_rollback=given, missing="last.json")

    counts = limits.tightened(rule).on_rollback

    assert counts == (Requirements(rollback=given) & Requirements(rollback=rule)).rollback
    assert "refuse" not in (given, rule) or counts == "refuse"
    assert "allow" in (given, rule) or counts != "allow"


def test_rollback__what_is_refused_must_be_known() -> None:
    with pytest.raises(PolicyRefused, match="Set not-older-than"):
        VersionLimits().tightened("refuse")
    assert VersionLimits().tightened("warn") == VersionLimits()
