"""What the policy of a repository requires of each of its models, and whether it is valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from studio_action.errors import BadInput, StudioActionError
from studio_action.gitrepo.diagnosis import Finding
from studio_action.gitrepo.gto.history import Model
from studio_action.model.artifact import AtStage, Latest, ModelName, Selector
from studio_action.policy.rules import PolicyFile
from studio_action.text import first_few

_SHOWN = 10


def check_policy(
    read: Callable[[], Iterable[PolicyFile]], models: Mapping[ModelName, Model]
) -> list[Finding]:
    """Return what is to be said of the policy that `read` gives; nothing if there is none."""
    try:
        files = list(read())
    except BadInput as error:
        return [Finding("error", "", str(error))]
    except StudioActionError as error:
        return [Finding("warning", "", str(error))]
    return [finding for file in files for finding in _findings(file, models)]


def _findings(file: PolicyFile, models: Mapping[ModelName, Model]) -> Iterator[Finding]:
    used: set[str] = set()
    for name in sorted(models, key=str):
        parts = []
        for words, selector in _requests(models[name]):
            rules = [rule.name for rule in file.applying(name, selector)]
            used.update(rules)
            parts.append(f"{words}: {first_few(rules, _SHOWN) or 'no rule'}")
        yield Finding("note", str(name), f"rules of {file} for {'; '.join(parts)}")
    for rule in file.rules:
        if rule.name not in used:
            yield Finding("warning", "", f"rule {rule.name!r} of {file} matches no model or stage")


def _requests(model: Model) -> Iterator[tuple[str, Selector]]:
    """Yield each stage, and all other requests, with what they are called."""
    for stage in sorted(model.stages):
        yield f"stage {stage}", AtStage(stage)
    yield "any version", Latest()
