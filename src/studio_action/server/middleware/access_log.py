"""Writes a log line for each request."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio_action.errors import StudioActionError
from studio_action.server.access import Token
from studio_action.server.log import Log

REQUEST_ID = "X-Request-Id"

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The outermost middleware. It catches and logs what `app` raises.

    It reads from a request's state what `Authenticator` puts there, `token` and `refused`, and adds
    `request_id`. `now` returns seconds; `random` returns the given number of bytes.
    """

    app: ASGIApp
    log: Log
    now: Callable[[], float]
    random: Callable[[int], bytes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, then log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, path, state = self.now(), scope["path"], scope.setdefault("state", {})
        sent_id = Headers(scope=scope).get(REQUEST_ID, "")
        state["request_id"] = sent_id if _ACCEPTED_ID.fullmatch(sent_id) else self.random(8).hex()
        response = _Response(send, state["request_id"])
        try:
            await self.app(scope, receive, response.send)
        except Exception as error:
            self._log_error(error, state["request_id"])
            if not response.status:
                body = {"detail": "Internal server error. See the server's log."}
                await JSONResponse(body, 500)(scope, receive, response.send)
        finally:
            self._log_request({**scope, "path": path}, response, self.now() - began)

    def _log_error(self, error: Exception, request_id: str) -> None:
        for known in (error, error.__cause__):  # Starlette wraps errors after the response began
            if isinstance(known, StudioActionError):
                message = f"a response broke off: {known}"
                self.log(message, level="warning", request_id=request_id)
                return
        trace = "".join(traceback.format_exception(error))
        self.log.fault("internal error while handling a request", trace, request_id=request_id)

    def _log_request(self, scope: Scope, response: _Response, seconds: float) -> None:
        state = scope["state"]
        token: Token | None = state.get("token")
        self.log(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=response.status or None,
            seconds=round(seconds, 6),
            bytes=response.sent,
            complete=response.complete,
            client=scope["client"][0] if scope.get("client") else None,
            token_id=token and token.id,
            token_name=token and token.name,
            refused=state.get("refused"),
            request_id=state["request_id"],
            user_agent=Headers(scope=scope).get("user-agent"),
        )


@dataclass(slots=True)
class _Response:
    """What was sent of a response; it adds the request id to the headers."""

    _send: Send
    _request_id: str
    status: int = field(default=0, init=False)
    sent: int = field(default=0, init=False)
    complete: bool = field(default=False, init=False)

    async def send(self, message: Message) -> None:
        """Send and count a part of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID] = self._request_id
        await self._send(message)
        if message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
