"""The table of models, searched and filtered over one project or all. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.gitrepo.gto.history import Model
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.artifact import ModelName
from studio_action.server.web.paging import Page, parse_page
from studio_action.text import printable

MODELS = 100
"""The models on one page."""
_STAGES = 4
_LABELS = 4
_LONGEST = 120
_LONGEST_SEARCH = 200
_OPTIONS = 100
_FIELDS = {"q": "search", "stage": "stage", "type": "type", "label": "label"}
_NEVER = datetime(1, 1, 2, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is searched for: '' is anything. `page` counts from 1."""

    search: str = ""
    stage: str = ""
    type: str = ""
    label: str = ""
    sort: str = ""
    page: int = 1

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Filter:
        """Return the parsed query; ignore unknown fields."""
        texts = {
            field: query.get(name, "")[:_LONGEST_SEARCH].strip() for name, field in _FIELDS.items()
        }
        sort = "updated" if query.get("sort") == "updated" else ""
        return cls(**texts, sort=sort, page=parse_page(query.get("page", "")))

    def fields(self, **changed: str | int | None) -> Mapping[str, str | int | None]:
        """Return the fields of the query of this filter, some of them changed."""
        told = {"q": self.search, "stage": self.stage, "type": self.type, "label": self.label}
        return {name: text or None for name, text in {**told, "sort": self.sort, **changed}.items()}

    @property
    def is_set(self) -> bool:
        """Return whether anything is searched for."""
        return bool(self.search or self.stage or self.type or self.label)

    def matches(self, name: str, project: str, model: Model, said: Annotation) -> bool:
        """Return whether a model is searched for: each word is in its name, project or text."""
        if self.stage and self.stage not in model.stages:
            return False
        if (self.type and self.type != said.type) or (self.label and self.label not in said.labels):
            return False
        texts = f"{name} {project} {said.type} {' '.join(said.labels)} {said.description}".lower()
        return all(word in texts for word in self.search.lower().split())


@dataclass(frozen=True, slots=True)
class Source:
    """A project's models; `path` is that of its page, '' if it has none."""

    project: str
    path: str
    models: Sequence[Model]
    events: Mapping[ModelName, Sequence[Event]]
    annotations: Mapping[ModelName, Annotation]


@dataclass(frozen=True, slots=True)
class Row:
    """One model; `shown` is its name as far as there is room. What is not listed is counted."""

    name: str
    shown: str
    project: str
    path: str
    latest: str
    stages: Sequence[tuple[str, str]]
    further_stages: int
    type: str
    labels: Sequence[str]
    updated: datetime | None


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen in the filter: the stages, types and labels that there are."""

    stages: Sequence[str]
    types: Sequence[str]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class ModelTable:
    """One page of the models that a filter leaves."""

    page: Page[Row]
    options: Options
    filter: Filter = field(default_factory=Filter)


def model_table(sources: Iterable[Source], filter: Filter) -> ModelTable:
    """Return the page of the table that `filter` asks for; deprecated models are left out."""
    every = [
        (source, model, source.annotations.get(model.name, Annotation()))
        for source in sources
        for model in source.models
        if not model.deprecated
    ]
    named = ((str(model.name), source, model, said) for source, model, said in every)
    found = [each for each in named if filter.matches(each[0], each[1].project, each[2], each[3])]
    found.sort(key=lambda each: (each[0], each[1].project))
    if filter.sort == "updated":
        found.sort(key=lambda each: _updated(each[1], each[2]) or _NEVER, reverse=True)
    page = Page.of(found, filter.page, MODELS)
    rows = [_row(*each) for each in page.items]
    options = _options((model, said) for _, model, said in every)
    return ModelTable(Page(rows, page.number, page.pages, page.total), options, filter)


def _updated(source: Source, model: Model) -> datetime | None:
    event = next(iter(source.events.get(model.name, ())), None)
    return event.when if event else None


def _row(name: str, source: Source, model: Model, said: Annotation) -> Row:
    held = [(stage, versions[0]) for stage, versions in sorted(model.stages.items()) if versions]
    latest = model.latest()
    return Row(
        name,
        printable(name, _LONGEST),
        printable(source.project, _LONGEST),
        source.path,
        version_name(latest.name, latest.revision) if latest else "",
        [
            (printable(stage, _LONGEST), version_name(it.name, it.revision))
            for stage, it in held[:_STAGES]
        ],
        len(held[_STAGES:]),
        said.type,
        said.labels[:_LABELS],
        _updated(source, model),
    )


def version_name(name: str, revision: str) -> str:
    """Return what a version is called on a page: a commit that is none has a short name."""
    return printable(name, _LONGEST) if name != revision else f"commit {revision[:7]}"


def _options(models: Iterable[tuple[Model, Annotation]]) -> Options:
    stages: set[str] = set()
    types: set[str] = set()
    labels: set[str] = set()
    for model, said in models:
        stages.update(model.stages)
        types.add(said.type)
        labels.update(said.labels)
    return Options(*(list(_few(each)) for each in (stages, types, labels)))


def _few(names: Iterable[str]) -> Iterator[str]:
    """Yield the first names that are short enough to be chosen from a list."""
    yield from sorted(name for name in names if 0 < len(name) <= _LONGEST)[:_OPTIONS]
