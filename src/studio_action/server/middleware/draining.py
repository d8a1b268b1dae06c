"""Ends connections after their next response, once the server is to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Draining:
    """Asks the clients of `app` to connect anew for their next request, while it `is_stopping`.

    Else a proxy would send one over a connection that is just being closed.
    """

    app: ASGIApp
    is_stopping: Callable[[], bool]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self.app(scope, receive, self._closing(send) if self.is_stopping() else send)

    def _closing(self, send: Send) -> Send:
        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        return closing
