from __future__ import annotations

from collections import Counter

from studio_action.inputs.groups import GROUPS, TAKES, grouped
from studio_action.inputs.table import INPUTS


def test_every_option_is_in_one_group() -> None:
    listed = Counter(name for group in GROUPS for name in (*group.usual, *group.more))
    assert max(listed.values()) == 1
    options = {each.name for each in INPUTS if each.commands and not each.secret}
    assert options <= set(listed)


def test_every_text_says_what_it_is() -> None:
    texts = {each.name for each in INPUTS if each.commands and not each.secret and not each.choices}
    assert {name for name in texts if name not in TAKES} == {
        each.name for each in INPUTS if each.kind == "flag"
    }


def test_grouped__what_is_in_no_group_comes_last() -> None:
    assert grouped(["help", "stage", "model"]) == [("What", ["model", "stage"]), ("More", ["help"])]
