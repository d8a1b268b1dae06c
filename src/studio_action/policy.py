"""What a pipeline allows: which tags may trigger it, and whether content changed at all. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from studio_action import bounded_json
from studio_action.digest import Digest
from studio_action.errors import BadInput
from studio_action.gitrepo.tags import (
    Assignment,
    Creation,
    Deprecation,
    Deregistration,
    Registration,
    Tag,
    Unassignment,
)

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
        """Why a run that the tag `name` triggered is none of ours; '' if it is."""
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


@dataclass(frozen=True, slots=True)
class Previous:
    """What a pipeline had before: `digest` as outputs give it, '' if it is the first run."""

    digest: str

    def changed(self, digest: str) -> bool:
        """Whether content with this digest is other content; what is unknown may be other."""
        return not digest or digest != self.digest


def previous_digest(text: str) -> Previous:
    """Input `previous-digest`; raise `BadInput` for what no output `digest` can have been."""
    try:
        return Previous(str(Digest.parse(text)))
    except ValueError as error:
        raise BadInput(
            f"input previous-digest: {text!r} is not a digest", "Give an earlier output digest"
        ) from error


def previous_manifest(read: Callable[[], bytes], name: str) -> Previous:
    """Input `previous-manifest`, whose content `read` gives; none is there on a first run."""
    try:
        found = bounded_json.read(read())
        return Previous(str(found["digest"]))
    except FileNotFoundError:
        return Previous("")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"input previous-manifest: {name!r} is not the manifest of an earlier download",
            "Give what an earlier output manifest names",
        ) from error


def _matches(text: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)
