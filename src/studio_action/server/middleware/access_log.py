"""A line of the log for each request: who asked for what, and what came of it."""

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

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The outermost middleware; what `app` raises ends here, in the log.

    Of a request it reads what others put into its state: `token`, the `access.Token` that it
    showed, and `refused`, why another one was refused. It puts `request_id` there. `now` counts
    seconds; `random` gives so many bytes.
    """

    app: ASGIApp
    log: Log
    now: Callable[[], float]
    random: Callable[[int], bytes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and write what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, path, state = self.now(), scope["path"], scope.setdefault("state", {})
        given = Headers(scope=scope).get(REQUEST_ID, "")
        state["request_id"] = given if _SANE_ID.fullmatch(given) else self.random(8).hex()
        answer = _Answer(send, state["request_id"])
        try:
            await self.app(scope, receive, answer.send)
        except Exception as error:
            self._fault(error, state["request_id"])
            if not answer.status:
                body = {"detail": "A fault in the server itself; its log says more."}
                await JSONResponse(body, 500)(scope, receive, answer.send)
        finally:
            self._line({**scope, "path": path}, answer, self.now() - began)

    def _fault(self, error: Exception, request_id: str) -> None:
        for explained in (error, error.__cause__):  # of what the framework cannot answer any more
            if isinstance(explained, StudioActionError):
                said = f"an answer broke off: {explained}"
                self.log(said, level="warning", request_id=request_id)
                return
        trace = "".join(traceback.format_exception(error))
        self.log.fault("a request failed by a fault of the server", trace, request_id=request_id)

    def _line(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        state = scope["state"]
        token: Token | None = state.get("token")
        self.log(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=answer.status or None,
            seconds=round(seconds, 6),
            bytes=answer.sent,
            complete=answer.complete,
            client=scope["client"][0] if scope.get("client") else None,
            token_id=token and token.id,
            token_name=token and token.name,
            refused=state.get("refused"),
            request_id=state["request_id"],
            user_agent=Headers(scope=scope).get("user-agent"),
        )


@dataclass(slots=True)
class _Answer:
    """What has been sent so far; it adds the request's id."""

    _send: Send
    _request_id: str
    status: int = field(default=0, init=False)
    sent: int = field(default=0, init=False)
    complete: bool = field(default=False, init=False)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID] = self._request_id
        await self._send(message)
        if message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
