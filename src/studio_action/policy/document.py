"""The text of a policy file, which anyone may have written, read into rules. Pure.

    rules:
    - name: production
      models: churn
      stages: [prod]
      branch: main
      max-age: 90d

What is not understood is refused: a key that is ignored would be a rule that nobody keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from studio_action.errors import BadInput
from studio_action.model.artifact import AtVersion
from studio_action.policy.requirements import Requirements, merge
from studio_action.policy.rollback import OnRollback
from studio_action.policy.rules import LARGEST, PolicyFile, Rule
from studio_action.policy.signers import read_signature, read_tag_signature
from studio_action.policy.values import check_branch, check_glob, parse_age, parse_size
from studio_action.policy.yaml_value import HINT, YamlValue, read
from studio_action.text import printable

MOST_RULES = 500
_LONGEST_NAME = 100


def parse(content: bytes, path: str, revision: str = "") -> PolicyFile:
    """Return the rules in `content`; raise `BadInput`, with line and column, for what is wrong."""
    called = printable(f"{path} at {revision[:7]}" if revision else path, 300)
    if len(content) > LARGEST:
        raise BadInput(f"{called} has more than {LARGEST:,} bytes", "Shorten it")
    top = read(content, called)
    keys = top.mapping({"rules"})
    if "rules" not in keys:
        raise top.wrong("has no rules", HINT)
    rules = keys["rules"].items()
    if len(rules) > MOST_RULES:
        raise keys["rules"].wrong(f"has more than {MOST_RULES} rules")
    return PolicyFile(
        path, revision, tuple(_rule(rule, number) for number, rule in enumerate(rules, 1))
    )


def _version(text: str) -> str:
    try:
        return AtVersion.parse(text).version
    except BadInput as error:
        raise ValueError(f"is not a version. {error.hint}") from None


def _rollback(value: YamlValue) -> OnRollback:
    return "warn" if value.choice("warn", "refuse") == "warn" else "refuse"


REQUIREMENTS: Mapping[str, Callable[[YamlValue], Requirements]] = {
    "branch": lambda value: Requirements(branches=value.checked(check_branch)),
    "allowed-taggers": lambda value: Requirements(taggers=(value.checked(check_glob),)),
    "max-age": lambda value: Requirements(max_age=value.parsed(parse_age)),
    "prerelease": lambda value: Requirements(released=bool(value.choice("exclude"))),
    "labels": lambda value: Requirements(labels=frozenset(value.texts())),
    "require-digests": lambda value: Requirements(digests=value.true()),
    "max-size": lambda value: Requirements(max_size=value.parsed(parse_size)),
    "minimum-version": lambda value: Requirements(minimum=value.parsed(_version)),
    "rollback": lambda value: Requirements(rollback=_rollback(value)),
    "signed-tag": lambda value: Requirements(tag_signatures=(read_tag_signature(value),)),
    "signature": lambda value: Requirements(signatures=(read_signature(value),)),
}
"""What each key of a rule requires."""
KEYS = ("name", "models", "stages", *REQUIREMENTS)


def _rule(value: YamlValue, number: int) -> Rule:
    keys = value.mapping(KEYS)
    required = [parse_value(keys[key]) for key, parse_value in REQUIREMENTS.items() if key in keys]
    if not required:
        raise value.wrong("the rule requires nothing", f"Add {', '.join(REQUIREMENTS)}")
    return Rule(
        printable(keys["name"].text(), _LONGEST_NAME) if "name" in keys else f"rule {number}",
        merge(required),
        keys["models"].checked(check_glob) if "models" in keys else ("*",),
        keys["stages"].checked(check_glob) if "stages" in keys else (),
    )
