from __future__ import annotations

import pytest

from studio_action.digest import Digest
from studio_action.errors import BadInput
from studio_action.gitrepo import tags
from studio_action.manifest import shown
from studio_action.policy import Previous, Triggers, previous_digest, previous_manifest

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


DIGEST = shown(Digest("md5", "0" * 32 + ".dir"))


@pytest.mark.parametrize(
    ("previous", "digest", "changed"),
    [
        (DIGEST, DIGEST, False),
        (DIGEST, "md5:" + "1" * 32, True),
        (DIGEST, "", True),
        ("", DIGEST, True),
        ("", "", True),
    ],
)
def test_previous__changed(previous: str, digest: str, changed: bool) -> None:
    assert Previous(previous).changed(digest) is changed


def test_previous_digest() -> None:
    assert previous_digest(DIGEST) == Previous(DIGEST)
    with pytest.raises(BadInput, match="previous-digest"):
        previous_digest("sha256:0")


def missing() -> bytes:
    raise FileNotFoundError


def test_previous_manifest() -> None:
    assert previous_manifest(lambda: f'{{"digest": "{DIGEST}"}}'.encode(), "m") == Previous(DIGEST)
    assert previous_manifest(missing, "m") == Previous("")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 200_000], ids=lambda it: it[:5])
def test_previous_manifest__of_something_else(text: str) -> None:
    with pytest.raises(BadInput, match="previous-manifest"):
        previous_manifest(lambda: text.encode(), "m")
