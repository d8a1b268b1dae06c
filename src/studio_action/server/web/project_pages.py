"""The pages of projects, models and what happened to them, by the repositories' tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studio_action.gitrepo import diagnosis
from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.gitrepo.gto.history import Model
from studio_action.gitrepo.gto.timeline import Event
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Token
from studio_action.server.api.addresses import base_url_of
from studio_action.server.db.projects import Project
from studio_action.server.services import Services
from studio_action.server.settings import ServedRepository
from studio_action.server.web import snippets, views
from studio_action.server.web.model_table import Filter, Source, model_table
from studio_action.server.web.paging import Page
from studio_action.server.web.repository_reader import Reading, RepositoryReader
from studio_action.server.web.stage_timeline import holdings
from studio_action.server.web.visitors import Visit, Visitors

_LONGEST_SEARCH = 200
_MOST_PROJECTS = 200
_MOST_CHECKED = 2000
"""Events of a model whose tags are compared with what DVC makes of them."""


@dataclass(frozen=True, slots=True)
class ProjectPages:
    """The pages that show what tags say."""

    services: Services
    visitors: Visitors
    reader: RepositoryReader

    def routes(self) -> list[Route]:
        """Return the routes, but for that of a project itself, which takes any path."""
        return [
            Route("/", self.projects),
            Route("/models", self.models),
            Route("/{page:path}/history", self.history),
            Route("/{page:path}/stage", self.stage),
        ]

    def projects(self, request: Request) -> Response:
        """Return the page of all projects and repositories that the visitor's token can read."""
        visitor = self.visitors.login.visitor(request)
        if visitor is None:
            return self.visitors.login.redirect_to_login(request)
        search = request.query_params.get("q", "")[:_LONGEST_SEARCH].strip()
        readable, projects = self._readable(visitor)
        found = [it for it in projects if _matches(search, it.name, it.owner, it.repository)]
        unused = readable.keys() - {it.repository for it in projects}
        bare = sorted(name for name in unused if _matches(search, name))
        needed = {*bare[:_MOST_PROJECTS], *(it.repository for it in found[:_MOST_PROJECTS])}
        return self.visitors.renderer.page(
            "projects.html",
            visitor,
            search=search,
            projects=found[:_MOST_PROJECTS],
            further=len(found[_MOST_PROJECTS:]),
            bare=bare[:_MOST_PROJECTS],
            readings=self.reader.read(readable[name] for name in needed),
        )

    def models(self, request: Request) -> Response:
        """Return the table of all models that the visitor's token can read."""
        visitor = self.visitors.login.visitor(request)
        if visitor is None:
            return self.visitors.login.redirect_to_login(request)
        readable, projects = self._readable(visitor)
        readings = self.reader.read(list(readable.values())[:_MOST_PROJECTS])
        sources = [
            source
            for name, reading in readings.items()
            for source in _sources(name, reading, projects)
        ]
        return self.visitors.renderer.page(
            "models.html",
            visitor,
            table=model_table(sources, Filter.parse(request.query_params)),
            problems={name: each.problem for name, each in readings.items() if each.problem},
        )

    def project(self, request: Request) -> Response:
        """Return the page of a project, or of one of its models; else the log-in or a 404."""
        visit = self.visitors.visit(request)
        if isinstance(visit, Response):
            return visit
        reading, models = self._read(visit)
        if request.query_params.get("model"):
            return self._model(request, visit, reading, models)
        source = source_of(request, self.services, visit.repository)
        events = ((model.name, reading.events[model.name]) for model in models)
        deprecated = sorted(str(model.name) for model in models if model.deprecated)
        return self._page(
            "project.html",
            visit,
            reading,
            source=source,
            table=model_table(
                [_table_source(visit.project, reading, models)], Filter.parse(request.query_params)
            ),
            deprecated=deprecated[: views.STAGES],
            further_deprecated=len(deprecated[views.STAGES :]),
            history=views.view_history(events, 1, views.EVENTS, source),
        )

    def history(self, request: Request) -> Response:
        """Return a page of all events of a project, or of one of its models."""
        visit = self.visitors.visit(request)
        if isinstance(visit, Response):
            return visit
        reading, models = self._read(visit)
        requested = views.ModelQuery.parse(request.query_params)
        chosen = [it for it in models if requested.model in ("", str(it.name))]
        if requested.model and not chosen:
            return self.visitors.not_found(visit.visitor)
        source = source_of(request, self.services, visit.repository)
        events = ((model.name, reading.events[model.name]) for model in chosen)
        return self._page(
            "history.html",
            visit,
            reading,
            source=source,
            requested=requested,
            history=views.view_history(events, requested.page, views.HISTORY, source),
        )

    def stage(self, request: Request) -> Response:
        """Return which versions of a model held a stage, and how long."""
        visit = self.visitors.visit(request)
        if isinstance(visit, Response):
            return visit
        reading, models = self._read(visit)
        requested = views.ModelQuery.parse(request.query_params)
        model = _named(requested.model, models)
        if model is None or not requested.stage:
            return self.visitors.not_found(visit.visitor)
        held = holdings(reading.events[model.name], requested.stage)
        if not held:
            return self.visitors.not_found(visit.visitor)
        return self._page(
            "stage.html",
            visit,
            reading,
            source=source_of(request, self.services, visit.repository),
            requested=requested,
            versions={each.name for each in model.versions},
            now=self.services.utc(),
            page=Page.of(held, requested.page, views.HISTORY),
        )

    def _model(
        self, request: Request, visit: Visit, reading: Reading, models: Sequence[Model]
    ) -> Response:
        requested = views.ModelQuery.parse(request.query_params)
        model = _named(requested.model, models)
        if model is None and reading.catalogue:
            return self.visitors.not_found(visit.visitor)
        source = source_of(request, self.services, visit.repository)
        events = reading.events[model.name] if model else ()
        findings = _findings(reading, model, events) if model else ()
        return self._page(
            "model.html",
            visit,
            reading,
            source=source,
            requested=requested,
            names=snippets.NAMES,
            model=views.view_model(model, events, findings, requested, source) if model else None,
            said=reading.annotations.get(model.name, Annotation()) if model else Annotation(),
            history=views.view_history(
                [(model.name, events)] if model else [], 1, views.EVENTS, source
            ),
        )

    def _page(self, template: str, visit: Visit, reading: Reading, **values: object) -> Response:
        """Return a page of a project; a 503 while its repository cannot be read."""
        return self.visitors.renderer.page(
            template,
            visit.visitor,
            status=200 if reading.catalogue else 503,
            visit=visit,
            project=visit.project,
            reading=reading,
            **values,
        )

    def _read(self, visit: Visit) -> tuple[Reading, Sequence[Model]]:
        reading = self.reader.read([visit.repository])[visit.repository.name]
        return reading, reading.within(visit.project.subdir)

    def _readable(self, visitor: Token) -> tuple[Mapping[str, ServedRepository], Sequence[Project]]:
        """Return the repositories that a visitor may read, by name, and the projects of these."""
        readable = {it.name: it for it in self.services.settings.repositories if visitor.reads(it)}
        return readable, [it for it in self.services.projects.all() if it.repository in readable]


def source_of(request: Request, services: Services, repository: ServedRepository) -> views.Source:
    """Return where a project's repository is, and the address of this server."""
    base_url = base_url_of(request, services.settings)
    names = services.settings.pages.release_names
    return views.Source(repository.name, web_url_of(repository), base_url, names)


def web_url_of(repository: ServedRepository) -> str:
    """Return the URL of the repository's web page, '' if unknown."""
    addresses = [repository.place, *repository.aliases]
    pages = (it.web_url for it in addresses if isinstance(it, RepositoryUrl))
    return next(filter(None, pages), "")


def _sources(repository: str, reading: Reading, projects: Sequence[Project]) -> Sequence[Source]:
    """Return the models of a repository, each once: with the project of the innermost folder."""
    own = sorted((it for it in projects if it.repository == repository), key=_innermost)
    left = {model.name: model for model in reading.within("")}
    found: list[Source] = []
    for project in own:
        names = [model.name for model in reading.within(project.subdir) if model.name in left]
        found.append(_table_source(project, reading, [left.pop(name) for name in names]))
    events, said = reading.events, reading.annotations
    return [*found, Source(repository, "", list(left.values()), events, said)]


def _named(name: str, models: Sequence[Model]) -> Model | None:
    return next((model for model in models if str(model.name) == name), None)


def _findings(
    reading: Reading, model: Model, events: Sequence[Event]
) -> Iterable[diagnosis.Finding]:
    """Return what `doctor` says of a model's tags; of very many, only what contradicts itself."""
    tags = reading.catalogue.tags if reading.catalogue and len(events) <= _MOST_CHECKED else ()
    return diagnosis.check_model(tags, model)


def _innermost(project: Project) -> tuple[int, str]:
    return -len(project.subdir), project.id


def _table_source(project: Project, reading: Reading, models: Sequence[Model]) -> Source:
    return Source(project.name, project.path, models, reading.events, reading.annotations)


def _matches(search: str, *texts: str) -> bool:
    return any(search.lower() in text.lower() for text in texts)
