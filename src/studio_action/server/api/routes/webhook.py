"""Webhooks: a Git server says that somebody pushed, so that new tags are served at once."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from studio_action.server.api import webhooks
from studio_action.server.api.answers import NO_REPOSITORY, document, refused
from studio_action.server.api.documents import Refreshing, failures, json_body
from studio_action.server.api.repositories import Repositories
from studio_action.server.parts import Parts


@dataclass(frozen=True, slots=True)
class Webhook:
    """The endpoint `/api/webhook`, for whoever knows the repository's secret or the server's."""

    parts: Parts
    repositories: Repositories

    def routes(self) -> list[APIRoute]:
        """What it answers, described."""
        return [
            APIRoute(
                "/api/webhook",
                self.receive,
                methods=["POST"],
                operation_id="webhook",
                status_code=202,
                tags=["Webhook"],
                summary="Somebody pushed: read a repository's tags again",
                responses={
                    200: {"model": Refreshing, "description": "The Git server only tried."},
                    202: {"model": Refreshing, "description": "The tags will be read again."},
                    **failures(400, 403, 404, 408, 413, 429, 503),
                },
                openapi_extra=json_body({"type": "object"}),
            )
        ]

    async def receive(self, request: Request) -> Response:
        """As GitHub, GitLab, Gitea, Forgejo and Bitbucket send it, with a secret.

        Without the right secret, a stranger does not learn what is served.
        """
        return await run_in_threadpool(self._receive, request, await request.body())

    def _receive(self, request: Request, body: bytes) -> Response:
        headers = {name.lower(): text for name, text in request.headers.items()}
        try:
            told = webhooks.payload(headers.get("content-type", ""), body)
        except ValueError:
            raise refused(400, "JSON parse error - the body is not a webhook's payload") from None
        named = self.repositories.named(*webhooks.addresses(told))
        of_server = self.parts.settings.webhook_secret
        genuine = [
            each
            for each in named
            if webhooks.is_genuine(headers, body, each.webhook_secret or of_server)
        ]
        if not genuine and (named or not webhooks.is_genuine(headers, body, of_server)):
            raise refused(403, "The webhook's secret is wrong or missing, or the server has none.")
        if webhooks.is_ping(headers):
            return document(Refreshing(repositories=[]), 200)
        if not genuine:
            raise refused(404, NO_REPOSITORY)
        for repository in genuine:
            self.parts.pushes.record(repository.name)
        return document(Refreshing(repositories=[each.name for each in genuine]), 202)
