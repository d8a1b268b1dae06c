"""The rules of a policy file, and which of them are about a request. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from studio_action.model.artifact import AtStage, ModelName, Selector
from studio_action.policy.requirements import Requirements
from studio_action.policy.values import matches
from studio_action.text import printable

LARGEST = 64 << 10
"""Bytes of a file; some hundred rules."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is required of the models that match one of the globs.

    With `stages`, it is about requests by such a stage alone; without, about every request.
    """

    name: str
    required: Requirements
    models: tuple[str, ...] = ("*",)
    stages: tuple[str, ...] = ()

    def applies(self, model: ModelName, selector: Selector) -> bool:
        """Return whether the rule is about the request."""
        if not matches(str(model), self.models):
            return False
        if not self.stages:
            return True
        return isinstance(selector, AtStage) and matches(selector.stage, self.stages)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The rules of one file; `revision` is the commit it was read at, '' for a file of the job."""

    path: str
    revision: str
    rules: tuple[Rule, ...]

    def __str__(self) -> str:
        return printable(f"{self.path} at {self.revision[:7]}" if self.revision else self.path, 300)

    def applying(self, model: ModelName, selector: Selector) -> Iterator[Rule]:
        """Yield the rules that are about the request."""
        return (rule for rule in self.rules if rule.applies(model, selector))
