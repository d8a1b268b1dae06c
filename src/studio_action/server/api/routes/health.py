"""Health checks for whoever operates the server."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from studio_action.errors import StudioActionError
from studio_action.server.api.documents import Health
from studio_action.server.api.responses import document
from studio_action.server.db import database
from studio_action.server.services import Services


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """The endpoints `/healthz` and `/readyz`, open to everyone; they reveal no names."""

    services: Services
    _thread: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    """A thread of its own, so that slow repositories delay no check."""

    def routes(self) -> list[APIRoute]:
        """Return the routes with their OpenAPI descriptions."""
        return [
            APIRoute(
                "/healthz",
                self.healthz,
                operation_id="healthz",
                tags=["Operation"],
                summary="Whether the process runs",
                responses={200: {"model": Health}},
            ),
            APIRoute(
                "/readyz",
                self.readyz,
                operation_id="readyz",
                tags=["Operation"],
                summary="Whether the process can answer",
                responses={
                    200: {"model": Health},
                    503: {"model": Health, "description": "A check failed, or it stops."},
                },
            ),
        ]

    async def healthz(self, request: Request) -> Response:
        """Return 200; that the process responds is the whole check."""
        return document(Health(status="ok"))

    async def readyz(self, request: Request) -> Response:
        """Return 200 if the database is migrated and the data folder is writable, else 503.

        Return 503 once the server is to stop, too, so that no more requests are sent to it.
        """
        if self.services.own.stopping.is_set():
            return document(Health(status="stopping"), 503)
        return await to_thread.run_sync(self._ready, limiter=self._thread)

    def _ready(self) -> Response:
        checks = {"database": self._database(), "data_dir": self._data_dir()}
        if all(checks.values()):
            return document(Health(status="ok", checks=checks))
        return document(Health(status="not ready", checks=checks), 503)

    def _database(self) -> bool:
        try:
            return database.usable(self.services.engine)
        except StudioActionError as error:
            self.services.log("the database is not ready", level="warning", error=str(error))
            return False

    def _data_dir(self) -> bool:
        folder = self.services.settings.data_dir
        return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
