from __future__ import annotations

import pytest

from studio_action.errors import BadInput, NoSuchModel
from studio_action.gitrepo.gto.promotion import check_effect, next_counter, promote, roll_back
from studio_action.model.artifact import ModelName
from tests.gitrepo.gto.events import START, M, tagged

LIFE = ("m@v1.0.0 c1", "m@v2.0.0 c2", "m#prod#1 c1")


def test_promote() -> None:
    found = promote(tagged(*LIFE), M, "prod", "v2.0.0")

    assert (found.tag, found.version.name) == ("m#prod#2", "v2.0.0")
    assert found.before is not None
    assert (found.before.name, found.is_roll_back) == ("v1.0.0", False)


def test_promote__in_a_folder() -> None:
    refs = tagged("models=m@v1.0.0 c1")

    assert promote(refs, ModelName("m", "models"), "prod", "v1.0.0").tag == "models=m#prod#1"


def test_roll_back__and_forth() -> None:
    life = (*LIFE, "m#prod#2 c2")
    back = roll_back(tagged(*life), M, "prod")
    assert (back.version.name, back.tag, back.is_roll_back) == ("v1.0.0", "m#prod#3", True)

    forth = roll_back(tagged(*life, "m#prod#3 c1"), M, "prod")
    assert (forth.version.name, forth.is_roll_back) == ("v2.0.0", False)


@pytest.mark.parametrize(
    ("events", "counter"),
    [
        ((), 1),
        (("m@v1.0.0 c1",), 1),
        (("m@v1.0.0#4 c1", "m#dev#2 c1"), 5),
        (("m#prod!#9 c1", "models=m#prod#20 c1", "n#prod#30 c1"), 10),
        (("m#p4 c1",), 1),
    ],
    ids=str,
)
def test_next_counter(events: tuple[str, ...], counter: int) -> None:
    assert next_counter(tagged(*events), M) == counter


def test_promote__a_model_that_was_deprecated() -> None:
    with pytest.raises(NoSuchModel, match="model m not found"):
        promote(tagged(*LIFE, "m@deprecated c2"), M, "prod", "v2.0.0")


def test_check_effect__a_tag_of_the_future_wins() -> None:
    refs = tagged(*LIFE, "m#prod#7 c1 1000")
    planned = promote(refs, M, "prod", "v2.0.0")

    check_effect(refs, planned, planned.made(START + 2000, ""))
    with pytest.raises(BadInput, match=r"m#prod#8 would leave stage prod with v1\.0\.0"):
        check_effect(refs, planned, planned.made(START + 500, ""))


def test_check_effect__two_versions_of_one_commit() -> None:
    refs = tagged(*LIFE, "m@v3.0.0 c2")
    planned = promote(refs, M, "prod", "v2.0.0")

    with pytest.raises(BadInput, match=r"with v3\.0\.0, not v2\.0\.0"):
        check_effect(refs, planned, planned.made(START + 500, ""))
