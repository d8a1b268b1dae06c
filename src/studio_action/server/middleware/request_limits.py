"""Limits the rate, the size and the duration of requests.

A request counts for its token only *after* the token proved valid,
so that nobody can use up another's limit by guessing its id; any other request counts for the
address that it comes from. A token that was valid from an address before is limited by its own
requests alone, not by others' requests from the same address, such as those behind one router.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anyio import CancelScope, current_time
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio_action.server.access import Token
from studio_action.server.client_address import counted_as
from studio_action.server.middleware.counters import MOST_KEYS
from studio_action.server.middleware.rate_limiter import RateLimiter

BODY_PATIENCE = 30.0
"""The seconds within which a request's body must arrive."""

_AUTHORIZATION = re.compile(
    r"\s*(?:token|bearer)\s+isat_(?P<id>[0-9a-f]{16})[0-9a-f]{48}\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Answers 429 to too many requests, 413 to too large a body, 408 to too slow a body.

    It reads from a request's state what `Authenticator` puts there: `token`, and `refused`, the
    reason why a token was invalid. The latter are counted by `refusals`. Paths that begin with one
    of `free` are not counted. `patience` is the seconds for a request's body.
    """

    app: ASGIApp
    requests: RateLimiter
    refusals: RateLimiter
    largest_body: int
    free: tuple[str, ...] = ()
    patience: float = BODY_PATIENCE
    _valid: OrderedDict[_Caller, None] = field(default_factory=OrderedDict, init=False)
    """The callers whose token was valid at their last request from that address."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it exceeds a limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        caller = _Caller.of(scope)
        counted = not scope["path"].startswith(self.free)
        if seconds := self._retry_after(caller, scope["method"]) if counted else 0.0:
            await _throttled(math.ceil(seconds))(scope, receive, send)
            return

        def started() -> None:
            if counted:
                self._count(caller, scope.get("state", {}))

        exchange = _Exchange(receive, send, self.largest_body, self.patience, started)
        await exchange.run(self.app, scope)

    def _retry_after(self, caller: _Caller, method: str) -> float:
        if caller in self._valid:
            return self.requests.resets_in(caller.token)
        may_guess = caller.has_credentials or method == "POST"
        refused = self.refusals.resets_in(caller.address) if may_guess else 0.0
        return max(refused, self.requests.resets_in(caller.address))

    def _count(self, caller: _Caller, state: Mapping[str, Any]) -> None:
        token: Token | None = state.get("token")
        if token is not None and token.id == caller.token:
            self.requests.hit(caller.token)
            self._valid[caller] = None
            self._valid.move_to_end(caller)
            if len(self._valid) > MOST_KEYS:
                self._valid.popitem(last=False)
        else:
            self.requests.hit(caller.address)
        if state.get("refused"):
            self.refusals.hit(caller.address)
            self._valid.pop(caller, None)


@dataclass(frozen=True, slots=True)
class _Caller:
    """The address that a request comes from, and the token id it claims, '' for none."""

    address: str
    token: str
    has_credentials: bool = field(compare=False)

    @classmethod
    def of(cls, scope: Scope) -> _Caller:
        host = scope["client"][0] if scope.get("client") else ""
        header = Headers(scope=scope).get("authorization", "")
        match = _AUTHORIZATION.fullmatch(header)
        return cls(counted_as(host), match["id"] if match else "", bool(header))


@dataclass(slots=True)
class _Exchange:
    """One request and its response; `_started` is called when the response begins."""

    _receive: Receive
    _send: Send
    _largest: int
    _patience: float
    _started: Callable[[], None]
    _size: int = field(default=0, init=False)
    _deadline: float = field(default=0.0, init=False)
    _arriving: bool = field(default=True, init=False)
    _has_started: bool = field(default=False, init=False)
    _refusal: Response | None = field(default=None, init=False)

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Let `app` respond, unless the body is too large or too slow."""
        if _declared_size(scope) > self._largest:
            self._refusal = _too_large(self._largest)
        else:
            await self._call(app, scope)
        if self._refusal is not None and not self._has_started:
            self._started()
            await self._refusal(scope, self._receive, self._send)

    async def _call(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive_some, self._send_some)
        except Exception:
            if self._refusal is None or self._has_started:
                raise  # else the error comes from the refused body

    async def _receive_some(self) -> Message:
        """Return the next part of the body; report a disconnect once the body is refused."""
        if not self._arriving:
            return await self._receive()
        self._deadline = self._deadline or current_time() + self._patience
        message: Message = {}
        with CancelScope(deadline=self._deadline):
            message = await self._receive()
        self._size += len(message.get("body", b""))
        if not message:
            self._refusal = _TOO_SLOW
        elif self._size > self._largest:
            self._refusal = _too_large(self._largest)
        if self._refusal is not None:
            return {"type": "http.disconnect"}
        self._arriving = message.get("more_body", False)
        return message

    async def _send_some(self, message: Message) -> None:
        if self._has_started:
            await self._send(message)
        elif self._refusal is None:
            self._has_started = True
            self._started()
            await self._send(message)


def _declared_size(scope: Scope) -> int:
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared[:18]) if declared.isascii() and declared.isdigit() else 0


def _too_large(largest: int) -> Response:
    detail = f"The request is larger than {largest} bytes."
    return JSONResponse({"detail": detail}, 413, {"connection": "close"})


_TOO_SLOW = JSONResponse(
    {"detail": "The request took too long to arrive."}, 408, {"connection": "close"}
)


def _throttled(seconds: int) -> Response:
    unit = "second" if seconds == 1 else "seconds"
    detail = f"Request was throttled. Expected available in {seconds} {unit}."
    return JSONResponse({"detail": detail}, 429, {"retry-after": str(seconds)})
