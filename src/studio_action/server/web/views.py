"""Prepares a repository's models for the page of a project: sorted and shortened. Pure.

People's names and warnings come from tags, so anybody may have written them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from studio_action.gitrepo.gto.history import Model, Version
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName
from studio_action.server.release_names import RELEASED, ReleaseNames
from studio_action.server.web import snippets
from studio_action.server.web.snippets import CI, SnippetInputs
from studio_action.text import printable

LISTED = 20
"""How many versions and stages of a model, and how many events, are listed without a request."""
MOST = 1000
"""How many are listed if all are requested, versions and stages of one model only."""
MODELS = 50
"""How many models are on one page, and how many deprecated ones are named."""

_WARNINGS = 10
_LONGEST = 200
_PAGE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_DEPLOYED = ("prod", "production")


@dataclass(frozen=True, slots=True)
class ProjectQuery:
    """The query of a project's page; a `stage` of '' means the latest version, None any.

    `page` counts the pages of models from 1.
    """

    model: str = ""
    stage: str | None = None
    ci: CI = "github"
    everything: bool = False
    page: int = 1

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> ProjectQuery:
        """Return the parsed query; ignore unknown fields."""
        ci = snippets.parse_ci(query.get("ci", ""))
        page = query.get("page", "")
        return cls(
            query.get("model", ""),
            query.get("stage"),
            ci,
            query.get("all") == "1",
            int(page) if _PAGE.fullmatch(page) else 1,
        )

    @property
    def most(self) -> int:
        """How many versions and stages of a model are listed."""
        return MOST if self.everything and self.model else LISTED


@dataclass(frozen=True, slots=True)
class Source:
    """A repository, the URL of its web page or '', the server's URL, and what snippets name."""

    repository: str
    web: str
    server: str
    names: ReleaseNames = RELEASED


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version with the stages it holds; `page` is the URL of its commit or ''."""

    name: str
    revision: str
    page: str
    when: datetime
    by: str
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageView:
    """A stage, the version that holds it, and who assigned it when."""

    name: str
    version: str
    when: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model; `further` versions and `further_stages` are not listed.

    `stage` is the snippet's.
    """

    name: str
    stages: tuple[StageView, ...]
    versions: tuple[VersionView, ...]
    further: int
    further_stages: int
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


@dataclass(frozen=True, slots=True)
class ProjectView:
    """One of the `pages` of a project's models, and its events, newest first.

    What is not listed is only counted.
    """

    models: tuple[ModelView, ...]
    pages: int
    deprecated: tuple[str, ...]
    further_deprecated: int
    events: tuple[EventView, ...]
    further_events: int


def view_project(
    models: Iterable[Model],
    events: Mapping[ModelName, Sequence[Event]],
    requested: ProjectQuery,
    source: Source,
) -> ProjectView:
    """Return the view of a project with these models; `events` has those of each model."""
    chosen = [model for model in models if requested.model in ("", str(model.name))]
    chosen.sort(key=lambda model: str(model.name))
    living = [model for model in chosen if not model.deprecated]
    listed = living[(requested.page - 1) * MODELS :][:MODELS]
    deprecated = [str(model.name) for model in chosen if model.deprecated]
    happened = [(model.name, event) for model in chosen for event in events[model.name]]
    happened.sort(key=lambda each: each[1].when, reverse=True)
    listed_events = happened[: MOST if requested.everything else LISTED]
    return ProjectView(
        tuple(
            _model(model, _Events.index(events[model.name]), requested, source) for model in listed
        ),
        -(-len(living) // MODELS),
        tuple(deprecated[:MODELS]),
        len(deprecated[MODELS:]),
        tuple(_event(name, event, source) for name, event in listed_events),
        len(happened) - len(listed_events),
    )


def commit_page(web: str, revision: str) -> str:
    """Return the URL of a commit's page, given the repository's page; '' if that is ''."""
    if not web:
        return ""
    host = urlsplit(web).netloc
    between = "-/commit" if "gitlab" in host else "commits" if "bitbucket" in host else "commit"
    return f"{web}/{between}/{revision}"


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


def _model(model: Model, events: _Events, requested: ProjectQuery, source: Source) -> ModelView:
    held = {stage: versions[0] for stage, versions in sorted(model.stages.items()) if versions}
    stages_of: dict[str, list[str]] = {}
    for name, version in held.items():
        stages_of.setdefault(version.name, []).append(name)
    stage = (
        requested.stage
        if requested.stage == "" or requested.stage in held
        else _default_stage(held)
    )
    versions, stages = model.versions[: requested.most], list(held.items())[: requested.most]
    inputs = SnippetInputs(source.server, source.repository, str(model.name), stage, source.names)
    return ModelView(
        str(model.name),
        tuple(_stage(name, version, events) for name, version in stages),
        tuple(
            _version(version, stages_of.get(version.name, ())[:LISTED], events, source)
            for version in versions
        ),
        len(model.versions) - len(versions),
        len(held) - len(stages),
        tuple(printable(warning, _LONGEST) for warning in model.warnings[:_WARNINGS]),
        stage,
        snippets.snippet(inputs, requested.ci),
    )


def _default_stage(stages: Iterable[str]) -> str:
    """Return the stage that people most likely deploy; '' without any."""
    return min(stages, key=lambda stage: (stage not in _DEPLOYED, stage), default="")


def _stage(name: str, version: Version, events: _Events) -> StageView:
    event = events.assignments[name, version.revision]
    return StageView(name, _named(version), event.when, _tagger(event))


def _version(
    version: Version, stages: Sequence[str], events: _Events, source: Source
) -> VersionView:
    event = events.by_tag[version.tag]
    page = commit_page(source.web, version.revision)
    by = _tagger(event)
    return VersionView(_named(version), version.revision, page, event.when, by, tuple(stages))


def _event(model: ModelName, event: Event, source: Source) -> EventView:
    page = commit_page(source.web, event.revision)
    by, what = _tagger(event), _describe(event)
    return EventView(event.when, by, str(model), what, event.tag, event.revision, page)


def _tagger(event: Event) -> str:
    return printable(event.by, _LONGEST)


def _describe(event: Event) -> str:
    version = event.version or f"commit {event.revision[:7]}"
    match event.kind:
        case "registered":
            return f"registered as {version}"
        case "deregistered":
            return f"is no longer registered as {version}"
        case "assigned":
            return f"{version} assigned to {event.stage}"
        case "unassigned":
            return f"{version} taken from {event.stage}"
        case "deprecated" | "created":
            return event.kind


def _named(version: Version) -> str:
    return version.name if version.registered else f"commit {version.revision[:7]}"
