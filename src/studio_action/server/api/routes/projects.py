"""The endpoint that creates projects: pages of a repository, or of a folder in it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from studio_action.errors import NoSuchModel, TokenRefused
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Token
from studio_action.server.api.addresses import base_url_of
from studio_action.server.api.authentication import Authenticator
from studio_action.server.api.documents import CreatedProject, CreatedProjects, failures, json_body
from studio_action.server.api.documents import NewProject as NewProjectDocument
from studio_action.server.api.parameters import parse_project_request
from studio_action.server.api.repositories import Repositories
from studio_action.server.api.responses import (
    NO_REPOSITORY,
    ApiError,
    document,
    field_errors,
    refused,
)
from studio_action.server.api.threads import RepositoryThreads
from studio_action.server.db.projects import ProjectDraft
from studio_action.server.services import Services
from studio_action.server.settings import ServedRepository
from studio_action.studio.api import NewProject


@dataclass(frozen=True, slots=True)
class ProjectCreation:
    """The endpoint `/api/create-project`, for tokens with the scope `project`."""

    services: Services
    authenticator: Authenticator
    repositories: Repositories
    threads: RepositoryThreads

    def routes(self) -> list[APIRoute]:
        """Return the routes with their OpenAPI descriptions."""
        return [
            APIRoute(
                "/api/create-project",
                self.create_project,
                methods=["POST"],
                operation_id="create_project",
                status_code=201,
                tags=["Projects"],
                summary="Create the project of a repository",
                responses={
                    200: {"model": CreatedProjects, "description": "The project exists already."},
                    201: {"model": CreatedProjects, "description": "The project was created."},
                    **failures(400, 401, 403, 408, 413, 415, 429, 503),
                },
                openapi_extra=json_body(NewProjectDocument.model_json_schema()),
            )
        ]

    async def create_project(self, request: Request) -> Response:
        """Create the project; return the existing one if the user or team has it already."""
        token = await self.authenticator.authenticate(request, "project")
        content_type = request.headers.get("content-type", "")
        new = parse_project_request(content_type, await request.body())
        if new.team_name and new.team_name not in token.teams:
            raise refused(403, f"Not authorized for the team {new.team_name}.")
        try:
            repository = self.repositories.get_readable(RepositoryUrl.parse(new.repo_url), token)
        except ApiError:
            raise field_errors({"repo_url": [NO_REPOSITORY]}) from None
        base_url = base_url_of(request, self.services.settings)

        def respond() -> Response:
            self._check_readable(repository)
            project, is_new = self.services.projects.create(_draft(new, repository, token))
            created = CreatedProject(
                id=project.id, url=f"{base_url}/{project.path}", name=project.name
            )
            return document(CreatedProjects(projects=[created]), 201 if is_new else 200)

        return await self.threads.run(repository, respond)

    def _check_readable(self, repository: ServedRepository) -> None:
        """Fetch the repository; raise `ApiError` (400) if it does not exist or the token fails."""
        try:
            self.services.models.refresh(repository)
        except NoSuchModel:
            raise field_errors({"repo_url": [NO_REPOSITORY]}) from None
        except TokenRefused as error:
            message = f"cannot create a project of {repository.name}: {error.message}"
            self.services.log(message, level="warning")
            raise field_errors({"repo_url": ["No tokens to access the repo"]}) from error


def _draft(new: NewProject, repository: ServedRepository, token: Token) -> ProjectDraft:
    return ProjectDraft(
        name=new.name or repository.name.rpartition("/")[2],
        owner=f"team/{new.team_name}" if new.team_name else f"user/{token.name}",
        repository=repository.name,
        repo_url=new.repo_url,
        subdir=new.subdir,
        public=new.public,
        created_by=token.name,
    )
