"""The endpoints that resolve versions, give signed URLs and list models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from studio_action.model.artifact import Resolution
from studio_action.server import links
from studio_action.server.api.addresses import base_url_of
from studio_action.server.api.answers import Answer, Answers
from studio_action.server.api.authentication import Authenticator
from studio_action.server.api.documents import (
    DownloadUris,
    ListedModels,
    Resolved,
    failures,
    parameters,
)
from studio_action.server.api.listing import listed, resolved
from studio_action.server.api.parameters import parse_model_request, parse_repository_request
from studio_action.server.api.repositories import Repositories
from studio_action.server.api.responses import Json, document
from studio_action.server.api.threads import RepositoryThreads
from studio_action.server.links import Grant, ServedFile
from studio_action.server.services import Services
from studio_action.server.settings import ServedRepository

_SCOPE: Final = "model-registry"
_TAGS: Final[list[str | Enum]] = ["Model registry"]
_FAILURES = (400, 401, 403, 404, 409, 429, 503)


@dataclass(frozen=True, slots=True)
class ModelRegistry:
    """The endpoints below `/api/model-registry`, for tokens with the scope `model-registry`."""

    services: Services
    authenticator: Authenticator
    repositories: Repositories
    threads: RepositoryThreads
    _answers: Answers = field(default_factory=Answers)

    def routes(self) -> list[APIRoute]:
        """Return the routes with their OpenAPI descriptions."""
        return [
            APIRoute(
                "/api/model-registry/get-download-uris",
                self.get_download_uris,
                operation_id="get_download_uris",
                tags=_TAGS,
                summary="Signed URLs of the files of one model version",
                responses={200: {"model": DownloadUris}, **failures(*_FAILURES)},
                openapi_extra=parameters("repo", "name", "version", "stage"),
            ),
            APIRoute(
                "/api/model-registry/resolve",
                self.resolve,
                operation_id="resolve",
                tags=_TAGS,
                summary="The version that a version, range or stage of a model means",
                responses={200: {"model": Resolved}, **failures(*_FAILURES)},
                openapi_extra=parameters("repo", "name", "range", "stage", "prerelease"),
            ),
            APIRoute(
                "/api/model-registry/models",
                self.models,
                operation_id="models",
                tags=_TAGS,
                summary="Every model of a repository, its versions and stages",
                responses={200: {"model": ListedModels}, **failures(*_FAILURES)},
                openapi_extra=parameters("repo"),
            ),
        ]

    async def get_download_uris(self, request: Request) -> Response:
        """Without a version and a stage: the URLs of the latest version."""
        return await self._resolve(
            request, lambda repository, resolution: Json(resolution.urls), ranges=False
        )

    async def resolve(self, request: Request) -> Response:
        """Return the version, its commit and tag, and its files with URLs, sizes and digests."""

        def render(repository: ServedRepository, resolution: Resolution) -> Response:
            policy = self.services.models.policy(repository)
            return document(resolved(repository.name, resolution, policy))

        return await self._resolve(request, render, ranges=True)

    async def models(self, request: Request) -> Response:
        """Return all models. Deprecated ones have neither versions nor stages."""
        token = await self.authenticator.authenticate(request, _SCOPE)
        requested = parse_repository_request(request.scope["query_string"])
        repository = self.repositories.get_readable(requested, token)

        def respond() -> Response:
            return document(listed(repository.name, self.services.models.catalogue(repository)))

        return await self.threads.run(repository, respond)

    async def _resolve(
        self,
        request: Request,
        render: Callable[[ServedRepository, Resolution], Response],
        *,
        ranges: bool,
    ) -> Response:
        """Return what `render` makes of the repository and the resolved version."""
        token = await self.authenticator.authenticate(request, _SCOPE)
        requested = parse_model_request(request.scope["query_string"], ranges=ranges)
        repository = self.repositories.get_readable(requested.repository, token)
        base_url = base_url_of(request, self.services.settings)
        grant = Grant(token.id, repository.name)

        def link(file: ServedFile) -> str:
            key, now = self.services.keys.current(), self.services.utc()
            return links.sign(base_url, file, grant, key, now)

        models = self.services.models
        asked = token.id, base_url, request.scope["path"], request.scope["query_string"]
        known = self._answers.get(asked, models.known(repository))
        if known is not None:
            self.services.audit.record(request, token, repository.name, known.resolution)
            return Response(known.body, media_type="application/json")

        def respond() -> tuple[object, Answer]:
            state = models.state(repository)
            resolution = models.resolve(
                repository,
                requested.name,
                requested.selector,
                prerelease=requested.prerelease,
                link=link,
            )
            response = render(repository, resolution)
            self.services.audit.record(request, token, repository.name, resolution)
            return state, Answer(bytes(response.body), resolution)

        state, answer = await self.threads.run(repository, respond)
        self._answers.keep(asked, state, answer)
        return Response(answer.body, media_type="application/json")
