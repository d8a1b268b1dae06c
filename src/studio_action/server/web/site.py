"""The pages of projects; they only read.

A public project is open to everyone at its own address. Without a session, every page leads to the
log-in, whether it exists or not; with a session, the answer is the same 404 for a missing page and
for one that the token may not read.
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
from studio_action.server.api.addresses import base_url_of
from studio_action.server.api.responses import ApiError
from studio_action.server.db.projects import Project
from studio_action.server.services import Services
from studio_action.server.settings import ServedRepository
from studio_action.server.web import snippets, views
from studio_action.server.web.login import Login
from studio_action.server.web.openid import OpenIdPages
from studio_action.server.web.rendering import PageRenderer
from studio_action.server.web.repository_reader import PATIENCE, RepositoryReader

_LONGEST_SEARCH = 200
_MOST_PROJECTS = 200
_ID_LENGTH = 10
_FAILURES = (HTTPException, ApiError, StudioActionError, Exception)


def create_pages(services: Services, patience: float = PATIENCE) -> Starlette:
    """Return the application with all pages; errors are pages, too.

    A page waits `patience` seconds for repositories that are being fetched.
    """
    renderer = PageRenderer(services.settings.base_path)
    login = Login(services, renderer)
    pages = Pages(
        services, renderer, login, RepositoryReader(services.models, services.log, patience)
    )
    return Starlette(
        routes=[
            Route("/", pages.projects),
            Route("/login", login.form, methods=["GET"]),
            Route("/login", login.log_in, methods=["POST"]),
            *OpenIdPages.of(services, login).routes(),
            Route("/logout", login.log_out, methods=["POST"]),
            Route("/static/{path:path}", renderer.static),
            Route("/{page:path}", pages.project),
        ],
        middleware=[Middleware(GZipMiddleware, compresslevel=6)],
        exception_handlers=dict.fromkeys(_FAILURES, pages.failed),
    )


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages that show projects."""

    services: Services
    renderer: PageRenderer
    login: Login
    reader: RepositoryReader

    def projects(self, request: Request) -> Response:
        """Return the page of all projects and repositories that the visitor's token can read."""
        visitor = self.login.visitor(request)
        if visitor is None:
            return self.login.redirect_to_login(request)
        search = request.query_params.get("q", "")[:_LONGEST_SEARCH].strip()
        readable = {it.name: it for it in self.services.settings.repositories if visitor.reads(it)}
        projects = [it for it in self.services.projects.all() if it.repository in readable]
        found = [it for it in projects if _matches(search, it.name, it.owner, it.repository)]
        unused = readable.keys() - {it.repository for it in projects}
        bare = sorted(name for name in unused if _matches(search, name))
        needed = {*bare[:_MOST_PROJECTS], *(it.repository for it in found[:_MOST_PROJECTS])}
        return self.renderer.page(
            "projects.html",
            visitor,
            search=search,
            projects=found[:_MOST_PROJECTS],
            further=len(found[_MOST_PROJECTS:]),
            bare=bare[:_MOST_PROJECTS],
            readings=self.reader.read(readable[name] for name in needed),
        )

    def project(self, request: Request) -> Response:
        """Return the page of a project; else the log-in or a 404."""
        page, visitor = request.path_params["page"], self.login.visitor(request)
        found = self._find(page, visitor)
        if found is not None:
            return self._project(request, visitor, *found)
        if visitor is None and page.startswith(("team/", "user/")):
            return self.login.redirect_to_login(request)
        return self.renderer.page("not_found.html", visitor, status=404)

    def failed(self, request: Request, error: Exception) -> Response:
        """Return the page for an error; log it if it is an error of the program."""
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        match error:
            case HTTPException(status_code=code) | ApiError(status=code):
                status = HTTPStatus(code)
            case StudioActionError():
                status = HTTPStatus.SERVICE_UNAVAILABLE
                self.services.log("a page failed", level="warning", error=str(error))
        return self.renderer.page("failed.html", None, status=status, reason=status.phrase)

    def _find(self, page: str, visitor: Token | None) -> tuple[Project, ServedRepository] | None:
        """Return the project at `page` and its repository; None if the visitor may not see it."""
        project = self.services.projects.get(page[-_ID_LENGTH:])
        if project is None or unquote(project.path) != page:
            return None
        for repository in self.services.settings.repositories:
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
        reading = self.reader.read([repository])[repository.name]
        requested = views.ProjectQuery.parse(request.query_params)
        base_url = base_url_of(request, self.services.settings)
        names = self.services.settings.pages.release_names
        source = views.Source(repository.name, web_url_of(repository), base_url, names)
        return self.renderer.page(
            "project.html",
            visitor,
            status=200 if reading.catalogue else 503,
            project=project,
            source=source,
            reading=reading,
            requested=requested,
            names=snippets.NAMES,
            view=views.view_project(
                reading.within(project.subdir), reading.events, requested, source
            ),
        )


def web_url_of(repository: ServedRepository) -> str:
    """Return the URL of the repository's web page, '' if unknown."""
    addresses = [repository.place, *repository.aliases]
    pages = (it.web_url for it in addresses if isinstance(it, RepositoryUrl))
    return next(filter(None, pages), "")


def _matches(search: str, *texts: str) -> bool:
    return any(search.lower() in text.lower() for text in texts)
