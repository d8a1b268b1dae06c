"""What GTO's tags add up to: each model's versions, and which of them holds which stage. Pure.

The answers are those of `gto show` (`gto/base.py`, `gto/api.py`): the last assignment of a stage
wins, and counts for the version that is registered at the tagged commit, even if that happened
later. Where GTO gives up, `Model.warnings` say what was made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import tags
from studio_action.gitrepo.gto.tags import (
    Assignment,
    Deprecation,
    Deregistration,
    Registration,
    Tag,
    Unassignment,
)
from studio_action.model.artifact import AtStage, AtVersion, Latest, ModelName, Selector
from studio_action.model.versions import InRange, is_prerelease, semantic

if TYPE_CHECKING:
    from semantic_version import Version as Semantic

Prerelease = Literal["include", "exclude", "only"]
"""Whether pre-releases count where no version is named."""

LONGEST_NAME = 1000
"""Of tags that count; no one means a longer one."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model, as its newest registration says, which is `ref`.

    A commit that was given a stage without being registered is a version as well, named by its
    revision; `ref` is then the tag that gave it the stage where it is a stage's holder, and else
    the newest tag that gave it any stage or took one.
    """

    name: str
    ref: TagRef

    @property
    def revision(self) -> str:
        return self.ref.revision

    @property
    def tag(self) -> str:
        return self.ref.short_name

    @property
    def when(self) -> int:
        return self.ref.when

    @property
    def registered(self) -> bool:
        return self.name != self.revision


@dataclass(frozen=True, slots=True)
class Model:
    """One model as `gto show` has it.

    `versions` are those that count, the highest first. `stages` has the versions that each stage
    was given to and not taken from, the last assignment first: the first one holds it.
    `assignments` has the tags that did so, in the same order. A `deprecated` model has none of
    these. `warnings` say, in a line each, where tags contradict each
    other and what was made of it.
    """

    name: ModelName
    versions: tuple[Version, ...]
    stages: Mapping[str, tuple[Version, ...]]
    deprecated: bool = False
    warnings: tuple[str, ...] = ()
    assignments: Mapping[str, tuple[TagRef, ...]] = field(default_factory=dict)

    def latest(self, prerelease: Prerelease = "include") -> Version | None:
        """Return the highest version; commits without a version come last, and never for `only`."""
        return next((found for found in self.versions if _counts(found, prerelease)), None)

    def at_version(self, version: str) -> Version | None:
        """Return the version of that name, e.g. `v1.2.0`."""
        return next((found for found in self.versions if found.name == version), None)

    def in_stage(self, stage: str) -> Version | None:
        """Return the version that holds the stage: the last assignment wins."""
        return next(iter(self.stages.get(stage, ())), None)

    def assignment(self, stage: str) -> TagRef | None:
        """Return the tag that gave the stage to the version that holds it."""
        return next(iter(self.assignments.get(stage, ())), None)

    def previous_in_stage(self, stage: str) -> Version | None:
        """Return the version that would hold the stage if it were taken from the one that does."""
        return next(iter(self.stages.get(stage, ())[1:]), None)

    def matching(self, wanted: InRange, prerelease: Prerelease = "include") -> Version | None:
        """Return the highest registered version in a range."""
        spec = wanted.spec()
        fitting = (
            found
            for found in self.versions
            if found.registered and _counts(found, prerelease) and spec.match(semantic(found.name))
        )
        return next(fitting, None)


def select(model: Model, selector: Selector, prerelease: Prerelease = "include") -> Version | None:
    """Return the version that `selector` means; `prerelease` is for the latest and ranges."""
    match selector:
        case AtVersion(version):
            return model.at_version(version)
        case AtStage(stage):
            return model.in_stage(stage)
        case Latest():
            return model.latest(prerelease)
        case InRange():
            return model.matching(selector, prerelease)


def read(refs: Iterable[TagRef]) -> Mapping[ModelName, Model]:
    """Return every model that was ever tagged, by name."""
    events: dict[ModelName, list[_Event]] = {}
    for ref in sorted(refs, key=lambda ref: (ref.when, ref.short_name)):  # as GTO reads them
        tag = tags.parse(ref.name) if ref.annotated and len(ref.name) <= LONGEST_NAME else None
        if tag is not None:
            events.setdefault(tag.model, []).append(_Event(tag, ref))
    return {name: _model(name, happened) for name, happened in events.items()}


@dataclass(frozen=True, slots=True)
class _Event:
    tag: Tag
    ref: TagRef

    @property
    def cancels(self) -> bool:
        return isinstance(self.tag, Deprecation | Deregistration | Unassignment)


@dataclass(frozen=True, slots=True)
class _StageTarget:
    """What a stage can be given to: a version that was ever registered, or a mere commit.

    `order` counts the versions of a model in the order of their first tags.
    """

    version: Version
    active: bool
    order: int


def _model(name: ModelName, events: list[_Event]) -> Model:
    last = max(events, key=lambda event: (event.ref.when, not isinstance(event.tag, Deprecation)))
    if isinstance(last.tag, Deprecation):
        return Model(name, (), {}, deprecated=True)
    registered = _registered(events)
    active = [home.version for home in registered if home.active]
    given = [event for event in events if isinstance(event.tag, Assignment | Unassignment)]
    homes = _homes(registered, given)
    commits = [home.version for home in homes.values() if not home.version.registered]
    held = _stages(given, homes)
    return Model(
        name,
        _highest_first(active) + tuple(sorted(commits, key=lambda it: it.name, reverse=True)),
        {stage: tuple(version for version, _ in holders) for stage, holders in held.items()},
        assignments={stage: tuple(ref for _, ref in holders) for stage, holders in held.items()},
        warnings=(*_one_commit(active, homes), *_one_name(active)),
    )


def _registered(events: list[_Event]) -> list[_StageTarget]:
    """Return each name at each commit that was ever tagged as a version."""
    grouped: dict[tuple[str, str], list[_Event]] = {}
    for event in events:
        if isinstance(event.tag, Registration | Deregistration):
            grouped.setdefault((event.tag.version, event.ref.revision), []).append(event)
    homes: list[_StageTarget] = []
    for (name, _), happened in grouped.items():
        newest = [event for event in happened if not event.cancels] or happened
        active = not _last(happened).cancels
        homes.append(_StageTarget(Version(name, newest[-1].ref), active, len(homes)))
    return homes


def _homes(registered: list[_StageTarget], given: list[_Event]) -> Mapping[str, _StageTarget]:
    """Return what the stages that were given to a commit are for, by commit."""
    there: dict[str, list[_StageTarget]] = {}
    for home in registered:
        there.setdefault(home.version.revision, []).append(home)
    homes: dict[str, _StageTarget] = {}
    for event in given:
        revision = event.ref.revision
        if revision not in there:
            homes[revision] = _StageTarget(Version(revision, event.ref), True, len(registered))
        elif revision not in homes:
            homes[revision] = max(there[revision], key=_preference)
    return homes


def _preference(home: _StageTarget) -> tuple[bool, Semantic, int]:
    return home.active, semantic(home.version.name), home.order


def _stages(
    given: list[_Event], homes: Mapping[str, _StageTarget]
) -> Mapping[str, list[tuple[Version, TagRef]]]:
    """Return the versions that have each stage and the tags that gave it, the last one first."""
    grouped: dict[tuple[str, str], list[_Event]] = {}
    for event in given:
        if isinstance(event.tag, Assignment | Unassignment):
            grouped.setdefault((event.tag.stage, event.ref.revision), []).append(event)
    holders: dict[str, list[tuple[_Event, _StageTarget]]] = {}
    for (stage, revision), happened in grouped.items():
        last, home = _last(happened), homes[revision]
        if home.active and not last.cancels:
            holders.setdefault(stage, []).append((last, home))
    return {stage: _newest_first(found) for stage, found in holders.items()}


def _newest_first(holders: list[tuple[_Event, _StageTarget]]) -> list[tuple[Version, TagRef]]:
    """Return the last assignment first; within one second, the version that is older. No name
    twice.
    """

    def turn(holder: tuple[_Event, _StageTarget]) -> tuple[int, int, int, str]:
        last, home = holder
        since = home.version.when if home.version.registered else last.ref.when
        return -last.ref.when, since, home.order, last.ref.short_name

    versions: dict[str, tuple[Version, TagRef]] = {}
    for last, home in sorted(holders, key=turn):
        name = home.version.name
        version = home.version if home.version.registered else Version(name, last.ref)
        versions.setdefault(name, (version, last.ref))
    return list(versions.values())


def _last(happened: list[_Event]) -> _Event:
    """Return the last of the events that concern one thing; within one second, what cancels is."""
    return max(happened, key=lambda event: (event.ref.when, event.cancels))


def _highest_first(versions: list[Version]) -> tuple[Version, ...]:
    """Sort by precedence; of two that differ in build metadata only, the later one first."""
    return tuple(sorted(versions, key=lambda version: semantic(version.name)))[::-1]


def _one_commit(active: list[Version], homes: Mapping[str, _StageTarget]) -> list[str]:
    """Return a line for each commit that is several versions, which `gto` takes for an error."""
    names: dict[str, list[str]] = {}
    for version in active:
        names.setdefault(version.revision, []).append(version.name)
    return [
        f"{' and '.join(names[revision])} are one commit, {revision[:7]}:"
        f" the stages given to it count for {homes[revision].version.name}"
        for revision in homes
        if len(names.get(revision, ())) > 1
    ]


def _one_name(active: list[Version]) -> list[str]:
    """Return a line for each version that is registered at several commits."""
    revisions: dict[str, list[str]] = {}
    for version in active:
        revisions.setdefault(version.name, []).append(version.revision[:7])
    return [
        f"{name} is registered at several commits, {', '.join(found)}: {found[-1]} counts"
        for name, found in revisions.items()
        if len(found) > 1
    ]


def _counts(version: Version, prerelease: Prerelease) -> bool:
    if prerelease == "include":
        return True
    return (prerelease == "only") == (version.registered and is_prerelease(version.name))
