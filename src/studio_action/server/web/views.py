"""Prepares a model and its history for their pages: sorted and shortened. Pure.

People's names and warnings come from tags, so anybody may have written them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice, zip_longest

from studio_action.gitrepo.diagnosis import Finding
from studio_action.gitrepo.gto.history import Model, Version
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName
from studio_action.model.repository_url import commit_url
from studio_action.server.release_names import RELEASED, ReleaseNames
from studio_action.server.web import snippets
from studio_action.server.web.model_table import version_name
from studio_action.server.web.paging import Page, parse_page
from studio_action.server.web.snippets import CI, SnippetInputs
from studio_action.text import printable

VERSIONS = 50
"""How many versions of a model are on one page."""
STAGES = 100
"""How many stages of a model are listed, and how many deprecated models are named."""
EVENTS = 20
"""How many events are on the page of a project or model."""
HISTORY = 50
"""How many events are on a page of the history."""

_BADGES = 5
_WARNINGS = 10
_LONGEST = 200
_DEPLOYED = ("prod", "production")


@dataclass(frozen=True, slots=True)
class ModelQuery:
    """The query of a model's page; a `stage` of '' means the latest version, None any.

    `page` counts the pages of versions, or of events, from 1.
    """

    model: str = ""
    stage: str | None = None
    ci: CI = "github"
    page: int = 1

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> ModelQuery:
        """Return the parsed query; ignore unknown fields."""
        ci = snippets.parse_ci(query.get("ci", ""))
        page = parse_page(query.get("page", ""))
        return cls(query.get("model", ""), query.get("stage"), ci, page)


@dataclass(frozen=True, slots=True)
class Source:
    """A repository, the URL of its web page or '', the server's URL, and what snippets name."""

    repository: str
    web: str
    server: str
    names: ReleaseNames = RELEASED


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version with some of the stages it holds; `shown` is what it is called.

    `page` is the URL of its commit or ''; `lower` the name of the version before it or ''.
    """

    name: str
    shown: str
    revision: str
    page: str
    when: datetime
    by: str
    stages: tuple[str, ...]
    further_stages: int
    lower: str


@dataclass(frozen=True, slots=True)
class StageView:
    """A stage, the version that holds it, what that is called, and who assigned it when."""

    name: str
    version: str
    shown: str
    when: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model; `further_stages` are not listed. `stage` is the snippet's."""

    name: str
    deprecated: bool
    stages: tuple[StageView, ...]
    further_stages: int
    versions: Page[VersionView]
    warnings: tuple[str, ...]
    stage: str
    snippet: str


@dataclass(frozen=True, slots=True)
class EventView:
    """One line of the history."""

    when: datetime
    by: str
    model: str
    what: str
    tag: str
    revision: str
    page: str


def view_model(
    model: Model,
    events: Sequence[Event],
    findings: Iterable[Finding],
    requested: ModelQuery,
    source: Source,
) -> ModelView:
    """Return the view of a model with these events, newest first, and what its tags show."""
    index = _Events.index(events)
    held = {stage: versions[0] for stage, versions in sorted(model.stages.items()) if versions}
    stages_of: dict[str, list[str]] = {}
    for name, version in held.items():
        stages_of.setdefault(version.name, []).append(name)
    stage = (
        requested.stage
        if requested.stage == "" or requested.stage in held
        else _default_stage(held)
    )
    page = Page.of(model.versions, requested.page, VERSIONS)
    lower = [each.name for each in model.versions[(page.number - 1) * VERSIONS + 1 :][:VERSIONS]]
    versions = [
        _version(version, stages_of.get(version.name, ()), below, index, source)
        for version, below in zip_longest(page.items, lower, fillvalue="")
        if isinstance(version, Version)
    ]
    inputs = SnippetInputs(source.server, source.repository, str(model.name), stage, source.names)
    return ModelView(
        str(model.name),
        model.deprecated,
        tuple(_stage(name, it, index) for name, it in list(held.items())[:STAGES]),
        len(held) - len(list(held)[:STAGES]),
        Page(versions, page.number, page.pages, page.total),
        tuple(printable(each.text, _LONGEST) for each in islice(findings, _WARNINGS)),
        stage,
        snippets.snippet(inputs, requested.ci),
    )


def view_version(
    model: Model, version: Version, events: Sequence[Event], source: Source
) -> VersionView:
    """Return the view of one of a model's versions."""
    names = [each.name for each in model.versions]
    below = names[names.index(version.name) + 1 :][:1]
    held = [
        name
        for name, versions in sorted(model.stages.items())
        if [each.name for each in versions[:1]] == [version.name]
    ]
    return _version(version, held, next(iter(below), ""), _Events.index(events), source)


def view_history(
    events: Iterable[tuple[ModelName, Sequence[Event]]], number: int, most: int, source: Source
) -> Page[EventView]:
    """Return a page of the events of several models, each of which has its newest first."""
    named = [[(name, event) for event in of_model] for name, of_model in events]
    total = sum(map(len, named))
    newest = merge(*named, key=lambda each: each[1].when, reverse=True)
    items = islice(newest, (number - 1) * most, number * most)
    shown = [_event(name, event, source) for name, event in items]
    return Page(shown, number, -(-total // most), total)


@dataclass(frozen=True, slots=True)
class _Events:
    """One model's events by tag, and its newest assignments by stage and commit."""

    by_tag: Mapping[str, Event]
    assignments: Mapping[tuple[str, str], Event]

    @classmethod
    def index(cls, events: Sequence[Event]) -> _Events:
        oldest_first = events[::-1]
        assigned = [event for event in oldest_first if event.kind == "assigned"]
        return cls(
            {event.tag: event for event in oldest_first},
            {(event.stage, event.revision): event for event in assigned},
        )


def _default_stage(stages: Iterable[str]) -> str:
    """Return the stage that people most likely deploy; '' without any."""
    return min(stages, key=lambda stage: (stage not in _DEPLOYED, stage), default="")


def _stage(name: str, version: Version, events: _Events) -> StageView:
    event = events.assignments[name, version.revision]
    return StageView(name, version.name, _named(version), event.when, _tagger(event))


def _version(
    version: Version, stages: Sequence[str], lower: str, events: _Events, source: Source
) -> VersionView:
    event = events.by_tag[version.tag]
    return VersionView(
        version.name,
        _named(version),
        version.revision,
        commit_url(source.web, version.revision),
        event.when,
        _tagger(event),
        tuple(stages[:_BADGES]),
        len(stages[_BADGES:]),
        lower,
    )


def _event(model: ModelName, event: Event, source: Source) -> EventView:
    page = commit_url(source.web, event.revision)
    by, what = _tagger(event), _describe(event)
    return EventView(event.when, by, str(model), what, event.tag, event.revision, page)


def _tagger(event: Event) -> str:
    return printable(event.by, _LONGEST)


def _describe(event: Event) -> str:
    version = event.version or f"commit {event.revision[:7]}"
    match event.kind:
        case "registered":
            return f"{version} registered"
        case "deregistered":
            return f"{version} deregistered"
        case "assigned":
            return f"{version} assigned to {event.stage}"
        case "unassigned":
            return f"{version} unassigned from {event.stage}"
        case "deprecated" | "created":
            return event.kind


def _named(version: Version) -> str:
    return version_name(version.name, version.revision)
