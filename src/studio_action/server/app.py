"""Puts the server together as one ASGI application."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from studio_action.errors import StudioActionError
from studio_action.server.api.authentication import Authenticator
from studio_action.server.api.repositories import Repositories
from studio_action.server.api.responses import FAULT, NOT_FOUND, ApiError, refused, to_api_error
from studio_action.server.api.routes.documentation import Documentation
from studio_action.server.api.routes.health import HealthChecks
from studio_action.server.api.routes.model_registry import ModelRegistry
from studio_action.server.api.routes.projects import ProjectCreation
from studio_action.server.api.routes.token_exchange import TokenEndpoint
from studio_action.server.api.routes.webhook import Webhook
from studio_action.server.api.threads import RepositoryThreads
from studio_action.server.files.grants import Grants
from studio_action.server.files.relaying import Relay
from studio_action.server.files.serving import Files
from studio_action.server.log import Log
from studio_action.server.metrics import FILES_ROUTE, MetricsMiddleware, MetricsPage
from studio_action.server.middleware.access_log import AccessLog
from studio_action.server.middleware.base_path import UNPREFIXED_PATHS, BasePathRouter
from studio_action.server.middleware.draining import Draining
from studio_action.server.middleware.rate_limiter import RateLimiter
from studio_action.server.middleware.request_limits import RequestLimits
from studio_action.server.middleware.security_headers import SecurityHeaders
from studio_action.server.services import Services
from studio_action.server.web.site import create_pages

REFUSALS_PER_MINUTE = 10
"""How many invalid tokens one address may try."""


def create_app(
    services: Services,
    now: Callable[[], float] = time.monotonic,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> ASGIApp:
    """Return the whole server. `now` returns seconds, `random` the given number of bytes."""
    settings, own = services.settings, services.own
    base_path = settings.base_path
    limits = RequestLimits(
        BasePathRouter(create_api(services), create_pages(services), base_path),
        requests=RateLimiter("requests", settings.limits.requests_per_minute, own.counters),
        refusals=RateLimiter("refusals", REFUSALS_PER_MINUTE, own.counters),
        largest_body=settings.limits.largest_body,
        free=(*UNPREFIXED_PATHS, f"{base_path}/files/"),
    )
    metrics = MetricsMiddleware(SecurityHeaders(limits, base_path), own.metrics, now)
    return AccessLog(Draining(metrics, own.stopping.is_set), services.log, now, random)


def create_api(services: Services) -> Starlette:
    """Return the application for programs: the API, files, health checks and metrics.

    FastAPI only makes the OpenAPI document of the routes; its own dispatch would cost as much as an
    endpoint.
    """
    authenticator = Authenticator(services.tokens, services.utc)
    repositories = Repositories(services.settings.repositories)
    threads = RepositoryThreads(services.settings.repositories)
    api_routes = [
        *ModelRegistry(services, authenticator, repositories, threads).routes(),
        *ProjectCreation(services, authenticator, repositories, threads).routes(),
        *Webhook.of(services, repositories).routes(),
        *TokenEndpoint.of(services).routes(),
        *HealthChecks(services).routes(),
    ]
    readers = services.settings.metrics
    metrics_page = MetricsPage(services.own.metrics, readers.token, readers.is_open)
    relay = Relay(services.models.open_remote_file, services.log)
    grants = Grants.of(services.settings.repositories, services.tokens.by_id, services.utc)
    find_file = services.models.file
    files = Files(
        services.keys.secret,
        grants.may_read,
        find_file,
        services.utc,
        relay,
        threads.of,
        services.settings.process.hand_over,
    )
    api = Starlette(
        routes=[
            *(Route(each.path, each.endpoint, methods=each.methods) for each in api_routes),
            *Documentation(api_routes, services.settings.base_path).routes(),
            Route("/metrics", metrics_page.__call__),
            Route(FILES_ROUTE, files, methods=["GET"]),
        ],
        exception_handlers={
            Exception: _internal_error,
            HTTPException: _http_error,
            ClientDisconnect: _gone,
            ApiError: _api_error,
            StudioActionError: partial(_failed, services.log),
        },
    )
    api.router.redirect_slashes = False
    return api


async def _internal_error(_: Request, __: Exception) -> Response:
    """Return a 500; the access log gets the error and logs its traceback."""
    return refused(500, FAULT).response()


async def _failed(log: Log, _: Request, error: Exception) -> Response:
    """Return the response to an error of the program, and log it if it is a 5xx."""
    assert isinstance(error, StudioActionError)
    api_error = to_api_error(error)
    if api_error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log("a request failed", level="warning", error=str(error))
    return api_error.response()


async def _api_error(_: Request, error: Exception) -> Response:
    """Return the error's own response."""
    assert isinstance(error, ApiError)
    return error.response()


async def _gone(_: Request, __: Exception) -> Response:
    """Return a response that nobody reads: the client has gone."""
    return refused(400, "The request broke off.").response()


async def _http_error(request: Request, error: Exception) -> Response:
    """Return the API's 404 for an unknown path, and its 405 for a wrong method."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed})
        return refused(405, f'Method "{request.method}" not allowed.', Allow=allowed).response()
    if error.status_code == HTTPStatus.NOT_FOUND:
        return refused(404, NOT_FOUND).response()
    return refused(error.status_code, str(error.detail)).response()
