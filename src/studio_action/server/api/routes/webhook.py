"""The endpoint for webhooks of Git servers, so that pushed tags are served at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from studio_action.server.api import webhooks
from studio_action.server.api.deliveries import PER_MINUTE, Deliveries
from studio_action.server.api.documents import Refreshing, failures, json_body
from studio_action.server.api.repositories import Repositories
from studio_action.server.api.responses import NO_REPOSITORY, document, refused
from studio_action.server.middleware.rate_limiter import RateLimiter
from studio_action.server.services import Services

_THREADS = 4


@dataclass(frozen=True, slots=True)
class Webhook:
    """The endpoint `/api/webhook`, for senders that know the repository's or server's secret."""

    services: Services
    repositories: Repositories
    _deliveries: Deliveries
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_THREADS))
    """Threads of their own, so that pages which wait for a repository delay no webhook."""

    @classmethod
    def of(cls, services: Services, repositories: Repositories) -> Webhook:
        """Return the endpoint with the limit of deliveries that all servers share."""
        limiter = RateLimiter("webhooks", PER_MINUTE, services.own.counters)
        return cls(services, repositories, Deliveries(services.pushes, limiter))

    def routes(self) -> list[APIRoute]:
        """Return the routes with their OpenAPI descriptions."""
        return [
            APIRoute(
                "/api/webhook",
                self.receive,
                methods=["POST"],
                operation_id="webhook",
                status_code=202,
                tags=["Webhook"],
                summary="Report a push, so that the repository's tags are read again",
                responses={
                    200: {
                        "model": Refreshing,
                        "description": "The Git server only tested the webhook.",
                    },
                    202: {"model": Refreshing, "description": "The tags will be read again."},
                    **failures(400, 403, 404, 408, 413, 429, 503),
                },
                openapi_extra=json_body({"type": "object"}),
            )
        ]

    async def receive(self, request: Request) -> Response:
        """Record a push that GitHub, GitLab, Gitea, Forgejo or Bitbucket reports.

        Without the right secret the answer is 403, whether or not the repository is served.
        """
        body = await request.body()
        return await to_thread.run_sync(self._receive, request, body, limiter=self._threads)

    def _receive(self, request: Request, body: bytes) -> Response:
        headers = {name.lower(): text for name, text in request.headers.items()}
        try:
            payload = webhooks.payload(headers.get("content-type", ""), body)
        except ValueError:
            raise refused(400, "JSON parse error - the body is not a webhook's payload") from None
        matching = self.repositories.find(*webhooks.addresses(payload))
        server_secret = self.services.settings.webhook_secret
        # A repository that the sender cannot know costs as much time as one that is not served,
        # and is answered alike.
        from_operator = webhooks.is_genuine(headers, body, server_secret)
        secrets = [each.webhook_secret or server_secret for each in matching] or [server_secret]
        checks = [webhooks.is_genuine(headers, body, each) for each in secrets]
        genuine = [each for each, known in zip(matching, checks, strict=False) if known]
        if not genuine and not from_operator:
            raise refused(403, "The webhook's secret is wrong or missing, or the server has none.")
        if webhooks.is_ping(headers):
            return document(Refreshing(repositories=[]), 200)
        if not genuine:
            raise refused(404, NO_REPOSITORY)
        for repository in genuine:
            self._deliveries.record(repository, body)
        return document(Refreshing(repositories=[each.name for each in genuine]), 202)
