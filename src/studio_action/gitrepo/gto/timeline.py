"""What happened to each model, as its repository's tags tell: when, by whom and what. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import tags
from studio_action.gitrepo.gto.history import LONGEST_NAME, Model
from studio_action.gitrepo.gto.tags import (
    Assignment,
    Creation,
    Deprecation,
    Deregistration,
    Registration,
    Tag,
    Unassignment,
)
from studio_action.model.artifact import ModelName
from studio_action.model.versions import semantic

_LATEST = int(datetime(9999, 12, 31, tzinfo=timezone.utc).timestamp())
"""A tag's date is what its maker wrote, and may be beyond what a calendar has."""

Kind = Literal["registered", "deregistered", "assigned", "unassigned", "deprecated", "created"]


@dataclass(frozen=True, slots=True)
class Event:
    """One tag of a model.

    `by` is the tagger's name, which anyone may have written. `version` is '' where a stage was
    given to a commit that never was a version, or the tag concerns the model as a whole; `stage` is
    '' where no stage was given or taken.
    """

    when: datetime
    by: str
    kind: Kind
    version: str
    stage: str
    tag: str
    revision: str


def read(
    refs: Iterable[TagRef], models: Mapping[ModelName, Model]
) -> Mapping[ModelName, tuple[Event, ...]]:
    """Return the events of each of `models`, those of the same `refs`; the newest first."""
    happened: dict[ModelName, list[tuple[TagRef, Tag]]] = {name: [] for name in models}
    for ref in refs:
        tag = tags.parse(ref.name) if ref.annotated and len(ref.name) <= LONGEST_NAME else None
        if tag is not None and tag.model in happened:
            happened[tag.model].append((ref, tag))
    return {name: _events(models[name], found) for name, found in happened.items()}


def _events(model: Model, found: list[tuple[TagRef, Tag]]) -> tuple[Event, ...]:
    names = _names(model, found)
    newest_first = sorted(found, key=lambda each: (each[0].when, each[0].name), reverse=True)
    return tuple(_event(ref, tag, names) for ref, tag in newest_first)


def _names(model: Model, found: list[tuple[TagRef, Tag]]) -> Mapping[str, str]:
    """Return the version that a stage given to a commit is for, by commit: one that counts, if any
    does, and of several the highest, as GTO has it.
    """
    ever = [
        (tag.version, ref.revision)
        for ref, tag in found
        if isinstance(tag, Registration | Deregistration)
    ]
    lowest_first = sorted(ever, key=lambda each: semantic(each[0]).precedence_key)
    by_commit = {revision: name for name, revision in lowest_first}
    counting = [each for each in reversed(model.versions) if each.registered]
    return by_commit | {each.revision: each.name for each in counting}


def _event(ref: TagRef, tag: Tag, names: Mapping[str, str]) -> Event:
    def event(kind: Kind, version: str = "", stage: str = "") -> Event:
        when = datetime.fromtimestamp(min(max(ref.when, 0), _LATEST), timezone.utc)
        name = ref.name.removeprefix("refs/tags/")
        return Event(when, ref.tagger, kind, version, stage, name, ref.revision)

    match tag:
        case Registration(_, version):
            return event("registered", version)
        case Deregistration(_, version):
            return event("deregistered", version)
        case Assignment(_, stage):
            return event("assigned", names.get(ref.revision, ""), stage)
        case Unassignment(_, stage):
            return event("unassigned", names.get(ref.revision, ""), stage)
        case Deprecation():
            return event("deprecated")
        case Creation():
            return event("created")
