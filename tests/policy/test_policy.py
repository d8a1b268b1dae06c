from __future__ import annotations

from studio_action.policy.policy import Applied
from studio_action.policy.rules import PolicyFile

FILE = PolicyFile(".studio-action.yml", "1" * 40, ())


def test_line__no_rule_matches() -> None:
    applied = Applied(FILE, ())

    assert applied.line == ("No rule of policy .studio-action.yml at 1111111 matches this request")
    assert applied.summary == ".studio-action.yml at 1111111: no rule"
