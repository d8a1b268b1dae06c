from __future__ import annotations

from collections.abc import Iterable

from studio_action.errors import BadInput, PolicyRefused, StudioActionError
from studio_action.gitrepo.gto import history
from studio_action.policy.requirements import Requirements
from studio_action.policy.rules import PolicyFile, Rule
from studio_action.run.policy_diagnosis import check_policy
from tests.gitrepo.gto.events import tagged

MODELS = history.read(tagged("m@v1.0.0 c1", "m#prod#1 c1", "other@v1.0.0 c2"))
FILE = PolicyFile(
    "p.yml",
    "c0ffee" * 7,
    (
        Rule("prod", Requirements(released=True), ("m",), ("prod",)),
        Rule("all", Requirements(digests=True)),
        Rule("gone", Requirements(digests=True), ("gone",)),
    ),
)


def test_check_policy() -> None:
    found = check_policy(lambda: [FILE], MODELS)

    assert [(each.severity, each.model, each.text) for each in found] == [
        ("note", "m", "rules of p.yml at c0ffeec for stage prod: prod, all; any version: all"),
        ("note", "other", "rules of p.yml at c0ffeec for any version: all"),
        ("warning", "", "rule 'gone' of p.yml at c0ffeec matches no model or stage"),
    ]


def test_check_policy__none() -> None:
    assert check_policy(list, MODELS) == []


def test_check_policy__that_cannot_be_read() -> None:
    def failing(error: StudioActionError) -> Iterable[PolicyFile]:
        raise error

    for error, severity in ((BadInput("x"), "error"), (PolicyRefused("x"), "warning")):
        (found,) = check_policy(lambda error=error: failing(error), MODELS)  # type: ignore[misc]
        assert (found.severity, found.text) == (severity, "x")
