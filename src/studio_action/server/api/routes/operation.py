"""For whoever runs the server: whether a process lives, whether it can answer."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from studio_action.errors import StudioActionError
from studio_action.server.api.answers import document
from studio_action.server.api.documents import Health
from studio_action.server.db import database
from studio_action.server.parts import Parts


@dataclass(frozen=True, slots=True)
class Operation:
    """The endpoints `/healthz` and `/readyz`, open to everyone; they tell no names."""

    parts: Parts
    _thread: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    """Of its own: whoever waits for a repository holds none of these up."""

    def routes(self) -> list[APIRoute]:
        """What it answers, described."""
        return [
            APIRoute(
                "/healthz",
                self.healthz,
                operation_id="healthz",
                tags=["Operation"],
                summary="Whether the process lives",
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
                    503: {"model": Health, "description": "Something that it needs is not there."},
                },
            ),
        ]

    async def healthz(self, request: Request) -> Response:
        """That it answers is the answer; nothing is asked for it."""
        return document(Health(status="ok"))

    async def readyz(self, request: Request) -> Response:
        """The database, with all its migrations, and a data folder that can be written."""
        return await to_thread.run_sync(self._ready, limiter=self._thread)

    def _ready(self) -> Response:
        checks = {"database": self._database(), "data_dir": self._data_dir()}
        if all(checks.values()):
            return document(Health(status="ok", checks=checks))
        return document(Health(status="not ready", checks=checks), 503)

    def _database(self) -> bool:
        try:
            return database.ready(self.parts.engine)
        except StudioActionError as error:
            self.parts.log("the database is not ready", level="warning", error=str(error))
            return False

    def _data_dir(self) -> bool:
        folder = self.parts.settings.data_dir
        return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
