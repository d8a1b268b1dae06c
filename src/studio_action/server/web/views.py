"""What a page shows of a repository's models: fit to be read, in order, and no longer than asked.

Pure. Names of people and warnings are whatever somebody wrote into a tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from studio_action.gitrepo.gto.history import Model, Version
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName
from studio_action.server.web import snippets
from studio_action.server.web.snippets import CI, Wanted
from studio_action.text import printable

LISTED = 20
"""How many versions of a model, and how many events, are listed unless all are asked for."""

_MODELS = 50
_LONGEST = 200
_USUAL = ("prod", "production")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page's query narrows it to; a `stage` of '' is the latest version, None any."""

    model: str = ""
    stage: str | None = None
    ci: CI = "github"
    everything: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        """Read a query; what it has besides means nothing."""
        ci = snippets.ci_named(query.get("ci", ""))
        return cls(query.get("model", ""), query.get("stage"), ci, query.get("all") == "1")


@dataclass(frozen=True, slots=True)
class Source:
    """Where models are from: a repository, its page for people or '', and the server's address."""

    repository: str
    web: str
    server: str


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """One version; `page` is its commit's, '' if there is none, `stages` are those it holds."""

    name: str
    revision: str
    page: str
    when: datetime
    by: str
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownStage:
    """A stage, the version that holds it, and who gave it when."""

    name: str
    version: str
    when: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ShownModel:
    """One model; `further` versions are not listed. `stage` is what the snippet is for."""

    name: str
    stages: tuple[ShownStage, ...]
    versions: tuple[ShownVersion, ...]
    further: int
    warnings: tuple[str, ...]
    stage: str
    snippet: str


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One line of the history."""

    when: datetime
    by: str
    model: str
    what: str
    tag: str
    revision: str
    page: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A project's models and their history, the newest event first; the rest is only counted."""

    models: tuple[ShownModel, ...]
    further_models: int
    deprecated: tuple[str, ...]
    events: tuple[ShownEvent, ...]
    further_events: int


def shown(
    models: Iterable[Model],
    events: Mapping[ModelName, Sequence[Event]],
    asked: Asked,
    source: Source,
) -> Shown:
    """What the page of a project with these models, each of which has its events, shows."""
    chosen = [model for model in models if asked.model in ("", str(model.name))]
    chosen.sort(key=lambda model: str(model.name))
    living = [model for model in chosen if not model.deprecated]
    listed = living if asked.everything else living[:_MODELS]
    happened = [(model.name, event) for model in chosen for event in events[model.name]]
    happened.sort(key=lambda each: each[1].when, reverse=True)
    told = happened if asked.everything else happened[:LISTED]
    return Shown(
        tuple(_model(model, _Told.by(events[model.name]), asked, source) for model in listed),
        len(living) - len(listed),
        tuple(str(model.name) for model in chosen if model.deprecated),
        tuple(_event(name, event, source) for name, event in told),
        len(happened) - len(told),
    )


def commit_page(web: str, revision: str) -> str:
    """The address of a commit's page, by the repository's; '' where that is not known."""
    if not web:
        return ""
    host = urlsplit(web).netloc
    between = "-/commit" if "gitlab" in host else "commits" if "bitbucket" in host else "commit"
    return f"{web}/{between}/{revision}"


@dataclass(frozen=True, slots=True)
class _Told:
    """One model's events by tag, and its newest assignments by stage and commit."""

    by_tag: Mapping[str, Event]
    given: Mapping[tuple[str, str], Event]

    @classmethod
    def by(cls, events: Sequence[Event]) -> _Told:
        oldest_first = events[::-1]
        given = [event for event in oldest_first if event.kind == "assigned"]
        return cls(
            {event.tag: event for event in oldest_first},
            {(event.stage, event.revision): event for event in given},
        )


def _model(model: Model, told: _Told, asked: Asked, source: Source) -> ShownModel:
    held = {stage: versions[0] for stage, versions in sorted(model.stages.items()) if versions}
    stage = asked.stage if asked.stage == "" or asked.stage in held else _usual(held)
    versions = model.versions if asked.everything else model.versions[:LISTED]
    wanted = Wanted(source.server, source.repository, str(model.name), stage)
    return ShownModel(
        str(model.name),
        tuple(_stage(name, version, told) for name, version in held.items()),
        tuple(_version(version, held, told, source) for version in versions),
        len(model.versions) - len(versions),
        tuple(printable(warning, _LONGEST) for warning in model.warnings),
        stage,
        snippets.snippet(wanted, asked.ci),
    )


def _usual(stages: Iterable[str]) -> str:
    """The stage that people most likely deploy; '' without any."""
    return min(stages, key=lambda stage: (stage not in _USUAL, stage), default="")


def _stage(name: str, version: Version, told: _Told) -> ShownStage:
    event = told.given[name, version.revision]
    return ShownStage(name, _named(version), event.when, _tagger(event))


def _version(
    version: Version, held: Mapping[str, Version], told: _Told, source: Source
) -> ShownVersion:
    event = told.by_tag[version.tag]
    page = commit_page(source.web, version.revision)
    stages = tuple(stage for stage, holder in held.items() if holder == version)
    return ShownVersion(_named(version), version.revision, page, event.when, _tagger(event), stages)


def _event(model: ModelName, event: Event, source: Source) -> ShownEvent:
    page = commit_page(source.web, event.revision)
    by, what = _tagger(event), _what(event)
    return ShownEvent(event.when, by, str(model), what, event.tag, event.revision, page)


def _tagger(event: Event) -> str:
    return printable(event.by, _LONGEST)


def _what(event: Event) -> str:
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
