"""Models: where the files of a version are, what a question means, and all that there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from studio_action.model.artifact import Resolution
from studio_action.server import links
from studio_action.server.api.addresses import base_of
from studio_action.server.api.answers import Json, document
from studio_action.server.api.authentication import Callers
from studio_action.server.api.documents import (
    DownloadUris,
    ListedModels,
    Resolved,
    failures,
    parameters,
)
from studio_action.server.api.listing import listed, resolved
from studio_action.server.api.parameters import model_question, repository_question
from studio_action.server.api.repositories import Repositories
from studio_action.server.api.threads import Lanes
from studio_action.server.links import ServedFile
from studio_action.server.parts import Parts

_SCOPE: Final = "model-registry"
_TAGS: Final[list[str | Enum]] = ["Model registry"]
_FAILURES = (400, 401, 403, 404, 409, 429, 503)


@dataclass(frozen=True, slots=True)
class ModelRegistry:
    """The endpoints below `/api/model-registry`, for tokens with that scope."""

    parts: Parts
    callers: Callers
    repositories: Repositories
    lanes: Lanes

    def routes(self) -> list[APIRoute]:
        """What it answers, described."""
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
                summary="What a version, a stage or the latest version of a model is",
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
        """With neither a version nor a stage: those of the latest version."""
        return await self._resolved(request, lambda _, found: Json(found.urls), ranges=False)

    async def resolve(self, request: Request) -> Response:
        """The version, its commit and tag, and its files with URLs, sizes and digests."""
        return await self._resolved(
            request, lambda repo, found: document(resolved(repo, found)), ranges=True
        )

    async def models(self, request: Request) -> Response:
        """Deprecated models have neither versions nor stages."""
        token = await self.callers.of(request, _SCOPE)
        asked = repository_question(request.scope["query_string"])
        repository = self.repositories.readable(asked, token)

        def answer() -> Response:
            return document(listed(repository.name, self.parts.models.catalogue(repository)))

        return await self.lanes.run(repository, answer)

    async def _resolved(
        self, request: Request, told: Callable[[str, Resolution], Response], *, ranges: bool
    ) -> Response:
        """What the question means, as it is `told` with the repository's name."""
        token = await self.callers.of(request, _SCOPE)
        asked = model_question(request.scope["query_string"], ranges=ranges)
        repository = self.repositories.readable(asked.repository, token)
        base = base_of(request, self.parts.settings)

        def link(file: ServedFile) -> str:
            return links.signed(base, file, self.parts.keys.current(), self.parts.utc())

        def answer() -> Response:
            found = self.parts.models.resolve(
                repository, asked.name, asked.selector, prerelease=asked.prerelease, link=link
            )
            return told(repository.name, found)

        return await self.lanes.run(repository, answer)
