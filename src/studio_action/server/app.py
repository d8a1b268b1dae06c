"""The server as one ASGI application, put together from its parts."""

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
from studio_action.server.api.answers import FAULT, NOT_FOUND, Refused, refusal, refused
from studio_action.server.api.authentication import Callers
from studio_action.server.api.repositories import Repositories
from studio_action.server.api.routes.documentation import Documentation
from studio_action.server.api.routes.model_registry import ModelRegistry
from studio_action.server.api.routes.operation import Operation
from studio_action.server.api.routes.projects import ProjectCreation
from studio_action.server.api.routes.webhook import Webhook
from studio_action.server.api.threads import Lanes
from studio_action.server.files.relaying import Relay
from studio_action.server.files.serving import Files
from studio_action.server.log import Log
from studio_action.server.metrics import FILES_ROUTE, Measured, MetricsPage
from studio_action.server.middleware.access_log import AccessLog
from studio_action.server.middleware.entrance import AT_THE_ROOT, Entrance, Headers
from studio_action.server.middleware.limits import Limits, Share
from studio_action.server.parts import Parts
from studio_action.server.web.site import create_pages

_REFUSALS_PER_MINUTE = 10
"""How often one address may try tokens that open nothing."""


def create_app(
    parts: Parts,
    now: Callable[[], float] = time.monotonic,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> ASGIApp:
    """The whole server. `now` counts seconds, `random` gives so many bytes."""
    settings = parts.settings
    base_path = settings.base_path
    limited = Limits(
        Entrance(api_of(parts), create_pages(parts), base_path),
        requests=Share(settings.requests_per_minute, now),
        refusals=Share(_REFUSALS_PER_MINUTE, now),
        largest_body=settings.largest_body,
        free=(*AT_THE_ROOT, f"{base_path}/files/"),
    )
    measured = Measured(Headers(limited, base_path), parts.metrics, now)
    return AccessLog(measured, parts.log, now, random)


def api_of(parts: Parts) -> Starlette:
    """Everything for programs: the API, files, and what is for whoever runs the server.

    FastAPI makes the OpenAPI document of the routes; that is all it does here, since its way to an
    endpoint costs as much as the endpoint.
    """
    callers = Callers(parts.tokens, parts.utc)
    repositories = Repositories(parts.settings.repositories)
    lanes = Lanes(parts.settings.repositories)
    described = [
        *ModelRegistry(parts, callers, repositories, lanes).routes(),
        *ProjectCreation(parts, callers, repositories, lanes).routes(),
        *Webhook(parts, repositories).routes(),
        *Operation(parts).routes(),
    ]
    figures = MetricsPage(parts.metrics, parts.settings.metrics_token)
    relay = Relay(parts.models.ask, parts.log)
    files = Files(parts.keys.secret, parts.models.file, parts.utc, relay)
    api = Starlette(
        routes=[
            *(Route(each.path, each.endpoint, methods=each.methods) for each in described),
            *Documentation(described, parts.settings.base_path).routes(),
            Route("/metrics", figures.__call__),
            Route(FILES_ROUTE, files, methods=["GET"]),
        ],
        exception_handlers={
            Exception: _fault,
            HTTPException: _http_error,
            ClientDisconnect: _gone,
            Refused: _refused,
            StudioActionError: partial(_failed, parts.log),
        },
    )
    api.router.redirect_slashes = False
    return api


async def _fault(_: Request, __: Exception) -> Response:
    """The error goes on to the access log, which writes its traceback."""
    return refused(500, FAULT).response()


async def _failed(log: Log, _: Request, error: Exception) -> Response:
    assert isinstance(error, StudioActionError)
    answer = refusal(error)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log("a request failed", level="warning", error=str(error))
    return answer.response()


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response()


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody reads this."""
    return refused(400, "The request broke off.").response()


async def _http_error(request: Request, error: Exception) -> Response:
    """What the router finds: no such path, or not with that method."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed})
        return refused(405, f'Method "{request.method}" not allowed.', Allow=allowed).response()
    if error.status_code == HTTPStatus.NOT_FOUND:
        return refused(404, NOT_FOUND).response()
    return refused(error.status_code, str(error.detail)).response()
