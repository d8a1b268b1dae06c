"""The pages for people: the projects that a token may read, and what is in each. They only read.

A project that is public is open to everyone at its own address. Whoever has no session is sent to
the log-in, whatever is there; whoever has one gets the same 404 for what is not there and for what
the token was not given.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studio_action.errors import StudioActionError
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Token
from studio_action.server.api.addresses import base_of
from studio_action.server.api.answers import Refused
from studio_action.server.db.projects import Project
from studio_action.server.parts import Parts
from studio_action.server.settings import ServedRepository
from studio_action.server.web import snippets, views
from studio_action.server.web.login import Login
from studio_action.server.web.reading import PATIENCE, Readings
from studio_action.server.web.rendering import Rendering

_LONGEST_SEARCH = 200
_ID_LENGTH = 10
_FAILURES = (HTTPException, Refused, StudioActionError, Exception)


def create_pages(parts: Parts, patience: float = PATIENCE) -> Starlette:
    """All pages, below the base path; what goes wrong is a page as well.

    They wait `patience` seconds for repositories that are being fetched.
    """
    rendering = Rendering(parts.settings.base_path)
    login = Login(parts, rendering)
    pages = Pages(parts, rendering, login, Readings(parts.models, parts.log, patience))
    return Starlette(
        routes=[
            Route("/", pages.projects),
            Route("/login", login.form, methods=["GET"]),
            Route("/login", login.enter, methods=["POST"]),
            Route("/logout", login.leave, methods=["POST"]),
            Route("/static/{path:path}", rendering.static),
            Route("/{page:path}", pages.project),
        ],
        middleware=[Middleware(GZipMiddleware, compresslevel=6)],
        exception_handlers=dict.fromkeys(_FAILURES, pages.failed),
    )


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of the server that `parts` make."""

    parts: Parts
    rendering: Rendering
    login: Login
    readings: Readings

    def projects(self, request: Request) -> Response:
        """All projects that the visitor's token reads, and repositories that have none."""
        visitor = self.login.visitor(request)
        if visitor is None:
            return self.login.first(request)
        sought = request.query_params.get("q", "")[:_LONGEST_SEARCH].strip()
        given = {it.name: it for it in self.parts.settings.repositories if visitor.reads(it)}
        projects = [it for it in self.parts.projects.all() if it.repository in given]
        found = [it for it in projects if _fits(sought, it.name, it.owner, it.repository)]
        idle = given.keys() - {it.repository for it in projects}
        bare = sorted(name for name in idle if _fits(sought, name))
        wanted = {*bare, *(it.repository for it in found)}
        return self.rendering.page(
            "projects.html",
            visitor,
            sought=sought,
            projects=found,
            bare=bare,
            readings=self.readings.of(given[name] for name in wanted),
        )

    def project(self, request: Request) -> Response:
        """The page of a project, or what is said of a path that leads to none."""
        page, visitor = request.path_params["page"], self.login.visitor(request)
        opened = self._opened(page, visitor)
        if opened is not None:
            return self._project(request, visitor, *opened)
        if visitor is None and page.startswith(("team/", "user/")):
            return self.login.first(request)
        return self.rendering.page("not_found.html", visitor, status=404)

    def failed(self, request: Request, error: Exception) -> Response:
        """What is said where no page can be made; of a fault of ours, the log says more."""
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        match error:
            case HTTPException(status_code=code) | Refused(status=code):
                status = HTTPStatus(code)
            case StudioActionError():
                status = HTTPStatus.SERVICE_UNAVAILABLE
                self.parts.log("a page failed", level="warning", error=str(error))
        return self.rendering.page("failed.html", None, status=status, reason=status.phrase)

    def _opened(self, page: str, visitor: Token | None) -> tuple[Project, ServedRepository] | None:
        """The project at `page` and its repository, if it is there and open to the visitor."""
        project = self.parts.projects.get(page[-_ID_LENGTH:])
        if project is None or unquote(project.path) != page:
            return None
        for repository in self.parts.settings.repositories:
            if repository.name == project.repository and (
                project.public or (visitor is not None and visitor.reads(repository))
            ):
                return project, repository
        return None

    def _project(
        self,
        request: Request,
        visitor: Token | None,
        project: Project,
        repository: ServedRepository,
    ) -> Response:
        reading = self.readings.of([repository])[repository.name]
        asked = views.Asked.of(request.query_params)
        server = base_of(request, self.parts.settings)
        source = views.Source(repository.name, web_of(repository), server)
        return self.rendering.page(
            "project.html",
            visitor,
            status=200 if reading.catalogue else 503,
            project=project,
            source=source,
            reading=reading,
            asked=asked,
            names=snippets.NAMES,
            shown=views.shown(reading.within(project.subdir), reading.events, asked, source),
        )


def web_of(repository: ServedRepository) -> str:
    """The repository's page for people, '' where none is known."""
    addresses = [repository.place, *repository.aliases]
    pages = (it.web for it in addresses if isinstance(it, RepositoryUrl))
    return next(filter(None, pages), "")


def _fits(sought: str, *texts: str) -> bool:
    return any(sought.lower() in text.lower() for text in texts)
