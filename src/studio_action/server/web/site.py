"""The pages, put together; they only read.

A public project is open to everyone at its own address. Without a session, every page leads to the
log-in, whether it exists or not; with a session, the answer is the same 404 for a missing page and
for one that the token may not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from studio_action.errors import StudioActionError
from studio_action.server.api.responses import ApiError
from studio_action.server.api.threads import RepositoryThreads
from studio_action.server.services import Services
from studio_action.server.web.login import Login
from studio_action.server.web.openid import OpenIdPages
from studio_action.server.web.project_pages import ProjectPages
from studio_action.server.web.rendering import PageRenderer
from studio_action.server.web.repository_reader import PATIENCE, RepositoryReader
from studio_action.server.web.version_pages import VersionPages
from studio_action.server.web.visitors import Visitors

_FAILURES = (HTTPException, ApiError, StudioActionError, Exception)


def create_pages(services: Services, patience: float = PATIENCE) -> Starlette:
    """Return the application with all pages; errors are pages, too.

    A page waits `patience` seconds for repositories that are being fetched.
    """
    renderer = PageRenderer(services.settings.base_path, services.utc)
    login = Login(services, renderer)
    visitors = Visitors(services, renderer, login)
    reader = RepositoryReader(services.models, services.log, patience)
    pages = ProjectPages(services, visitors, reader)
    versions = VersionPages(services, visitors, RepositoryThreads(services.settings.repositories))
    return Starlette(
        routes=[
            Route("/login", login.form, methods=["GET"]),
            Route("/login", login.log_in, methods=["POST"]),
            *OpenIdPages.of(services, login).routes(),
            Route("/logout", login.log_out, methods=["POST"]),
            Route("/static/{path:path}", renderer.static),
            *pages.routes(),
            *versions.routes(),
            Route("/{page:path}", pages.project),
        ],
        middleware=[Middleware(GZipMiddleware, compresslevel=6)],
        exception_handlers=dict.fromkeys(_FAILURES, FailedPages(services, renderer).failed),
    )


@dataclass(frozen=True, slots=True)
class FailedPages:
    """The pages for errors."""

    services: Services
    renderer: PageRenderer

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
