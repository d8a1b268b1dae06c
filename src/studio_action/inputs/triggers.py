"""Which tags may trigger a run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from studio_action.gitrepo.gto.tags import (
    Assignment,
    Creation,
    Deprecation,
    Deregistration,
    Registration,
    Tag,
    Unassignment,
)
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs

_EVENTS: dict[type[Tag], str] = {
    Registration: "registration",
    Deregistration: "deregistration",
    Assignment: "assignment",
    Unassignment: "unassignment",
    Deprecation: "deprecation",
    Creation: "creation",
}
EVENTS = tuple(_EVENTS.values())
"""GTO's words for what a tag does (`gto/constants.py`)."""


@dataclass(frozen=True, slots=True)
class Triggers:
    """The tags that a run may be triggered by; an empty filter lets every one pass.

    `models` and `stages` are globs; `events` are of `EVENTS`.
    """

    models: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()

    def objection(self, name: str, tag: Tag | None) -> str:
        """Return why a run that the tag `name` triggered is none of ours; '' if it is."""
        if not (self.models or self.events or self.stages):
            return ""
        if tag is None:
            return f"tag {name!r} is not GTO's" if name else "no tag triggered this run"
        stage = tag.stage if isinstance(tag, (Assignment, Unassignment)) else ""
        event = _EVENTS[type(tag)]
        if self.events and event not in self.events:
            return f"tag {name} is of event {event}, which on-event does not list"
        if self.models and not _matches(str(tag.model), self.models):
            return f"tag {name} is of model {tag.model}, which on-model does not list"
        if self.stages and not _matches(stage, self.stages):
            return f"tag {name} is of stage {stage or '(none)'}, which on-stage does not list"
        return ""


def read_triggers(inputs: Inputs) -> Triggers:
    """Read inputs `on-model`, `on-event` and `on-stage`."""
    events = parsers.entries(inputs["on-event"])
    for event in events:
        if event not in EVENTS:
            raise inputs["on-event"].refuse(f"has {event!r}, not one of {', '.join(EVENTS)}")
    return Triggers(
        parsers.entries(inputs["on-model"]), events, parsers.entries(inputs["on-stage"])
    )


def _matches(text: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)
