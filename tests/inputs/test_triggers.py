from __future__ import annotations

import pytest

from studio_action.gitrepo.gto import tags
from studio_action.inputs.triggers import Triggers

OURS = Triggers(("churn", "models:*"), ("registration", "assignment"), ("prod*",))


@pytest.mark.parametrize(
    ("tag", "objection"),
    [
        pytest.param("churn#prod#3", "", id="assignment"),
        pytest.param("models=x#prod-eu#3", "", id="globs"),
        pytest.param("other#prod", "on-model", id="model"),
        pytest.param("churn#prod!#4", "on-event", id="event"),
        pytest.param("churn#dev#5", "on-stage", id="stage"),
        pytest.param("churn@v1.0.0", "on-stage", id="no stage"),
        pytest.param("v1.0.0", "not GTO's", id="another tag"),
        pytest.param("", "no tag triggered", id="no tag"),
    ],
)
def test_triggers(tag: str, objection: str) -> None:
    found = OURS.objection(tag, tags.parse(tag))
    assert objection in found
    assert bool(found) is bool(objection)


@pytest.mark.parametrize("tag", ["churn@v1.0.0", "v1.0.0", ""])
def test_triggers__without_filters_all_pass(tag: str) -> None:
    assert Triggers().objection(tag, tags.parse(tag)) == ""
