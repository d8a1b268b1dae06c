"""Who sees which project: the same answer for a page that is not there and for a hidden one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from studio_action.server.access import Token
from studio_action.server.db.projects import Project
from studio_action.server.services import Services
from studio_action.server.settings import ServedRepository
from studio_action.server.web.login import Login
from studio_action.server.web.rendering import PageRenderer

_ID_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Visit:
    """A project that a visitor may see; `reads` is whether the token may read its repository.

    What the repository holds is for those who read it, also where the project is public.
    """

    project: Project
    repository: ServedRepository
    visitor: Token | None
    reads: bool

    @property
    def audits(self) -> bool:
        """Return whether the visitor may see who downloaded what."""
        return self.reads and self.visitor is not None and "audit" in self.visitor.scopes


@dataclass(frozen=True, slots=True)
class Visitors:
    """The visitors of a server's pages."""

    services: Services
    renderer: PageRenderer
    login: Login

    def visit(self, request: Request) -> Visit | Response:
        """Return the project at the path's `page`; else the log-in or a 404."""
        page, visitor = request.path_params["page"], self.login.visitor(request)
        found = self._find(page, visitor)
        return found or self._refuse(request, page, visitor)

    def reading_visit(self, request: Request) -> Visit | Response:
        """Return the same, for those only who may read the project's repository."""
        found = self.visit(request)
        if isinstance(found, Response) or found.reads:
            return found
        return self._refuse(request, request.path_params["page"], found.visitor)

    def not_found(self, visitor: Token | None) -> Response:
        """Return the page for what is not there, or not for this visitor."""
        return self.renderer.page("not_found.html", visitor, status=404)

    def _refuse(self, request: Request, page: str, visitor: Token | None) -> Response:
        if visitor is None and page.startswith(("team/", "user/")):
            return self.login.redirect_to_login(request)
        return self.not_found(visitor)

    def _find(self, page: str, visitor: Token | None) -> Visit | None:
        project = self.services.projects.get(page[-_ID_LENGTH:])
        if project is None or unquote(project.path) != page:
            return None
        for repository in self.services.settings.repositories:
            if repository.name == project.repository:
                reads = visitor is not None and visitor.reads(repository)
                return (
                    Visit(project, repository, visitor, reads) if project.public or reads else None
                )
        return None
