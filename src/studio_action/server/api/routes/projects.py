"""Projects: a repository, or a folder of one, that has a page of its own."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from studio_action.errors import NoSuchModel, TokenRefused
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Token
from studio_action.server.api.addresses import base_of
from studio_action.server.api.answers import NO_REPOSITORY, Refused, document, refused, wrong_fields
from studio_action.server.api.authentication import Callers
from studio_action.server.api.documents import CreatedProject, CreatedProjects, failures, json_body
from studio_action.server.api.documents import NewProject as NewProjectDocument
from studio_action.server.api.parameters import project_question
from studio_action.server.api.repositories import Repositories
from studio_action.server.api.threads import Lanes
from studio_action.server.db.projects import ProjectDraft
from studio_action.server.parts import Parts
from studio_action.server.settings import ServedRepository
from studio_action.studio.api import NewProject


@dataclass(frozen=True, slots=True)
class ProjectCreation:
    """The endpoint `/api/create-project`, for tokens with the scope `project`."""

    parts: Parts
    callers: Callers
    repositories: Repositories
    lanes: Lanes

    def routes(self) -> list[APIRoute]:
        """What it answers, described."""
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
                    200: {"model": CreatedProjects, "description": "It is there already."},
                    201: {"model": CreatedProjects, "description": "It was created."},
                    **failures(400, 401, 403, 408, 413, 415, 429, 503),
                },
                openapi_extra=json_body(NewProjectDocument.model_json_schema()),
            )
        ]

    async def create_project(self, request: Request) -> Response:
        """Asked for again by the same user or team, the same project is answered."""
        token = await self.callers.of(request, "project")
        content_type = request.headers.get("content-type", "")
        new = project_question(content_type, await request.body())
        if new.team_name and new.team_name not in token.teams:
            raise refused(403, f"Not authorized for the team {new.team_name}.")
        try:
            repository = self.repositories.readable(RepositoryUrl.parse(new.repo_url), token)
        except Refused:
            raise wrong_fields({"repo_url": [NO_REPOSITORY]}) from None
        base = base_of(request, self.parts.settings)

        def answer() -> Response:
            self._reach(repository)
            project, is_new = self.parts.projects.create(_draft(new, repository, token))
            created = CreatedProject(id=project.id, url=f"{base}/{project.path}", name=project.name)
            return document(CreatedProjects(projects=[created]), 201 if is_new else 200)

        return await self.lanes.run(repository, answer)

    def _reach(self, repository: ServedRepository) -> None:
        """See that the repository can be read; raises `Refused` where it never will."""
        try:
            self.parts.models.refresh(repository)
        except NoSuchModel:
            raise wrong_fields({"repo_url": [NO_REPOSITORY]}) from None
        except TokenRefused as error:
            said = f"no project of {repository.name} can be created: {error.message}"
            self.parts.log(said, level="warning")
            raise wrong_fields({"repo_url": ["No tokens to access the repo"]}) from error


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
