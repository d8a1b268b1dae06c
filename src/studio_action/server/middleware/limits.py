"""How much may be asked of the server, and how large a request may be.

Requests are counted in each process by itself. One that bears a token is counted for it *after* it
was found good, so that nobody can use up another's share by naming its id; everything else counts
for the address that it comes from. A token that was good from an address before is not stopped by
what others do there, behind the same router: only by its own share.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import Any

from anyio import CancelScope, current_time
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio_action.server.access import Token

MOST_KEYS = 100_000
"""Tokens and addresses that are remembered; of more, the longest quiet is forgotten."""
BODY_PATIENCE = 30.0
"""Seconds in which a request's body has to be there."""

_MINUTE = 60.0
_NAMED = re.compile(
    r"\s*(?:token|bearer)\s+isat_(?P<id>[0-9a-f]{16})[0-9a-f]{48}\s*", re.IGNORECASE
)


@dataclass(slots=True)
class Share:
    """How often each may do something: so many times at once, and as often again in a minute.

    What was used comes back evenly, not at the full minute. `now` counts seconds.
    """

    per_minute: int
    now: Callable[[], float]
    _full: OrderedDict[str, float] = field(default_factory=OrderedDict, init=False)
    """The moment at which all of it is there again."""

    def wait(self, key: str) -> float:
        """Seconds until `key` may do it; 0 for now."""
        return max(0.0, self._full.get(key, 0.0) + self._each - self.now() - _MINUTE)

    def use(self, key: str) -> None:
        """Count one for `key`."""
        self._full[key] = max(self._full.get(key, 0.0), self.now()) + self._each
        self._full.move_to_end(key)
        if len(self._full) > MOST_KEYS:
            self._full.popitem(last=False)

    @property
    def _each(self) -> float:
        return _MINUTE / self.per_minute


@dataclass(frozen=True, slots=True)
class Limits:
    """Answers 429 for those who ask too often, 413 for too large a body, 408 for too slow a one.

    Of a request it reads what others put into its state: `token`, the `access.Token` that it
    showed, and `refused`, why another one was refused; those count in `refusals`. Requests of paths
    that begin with one of `free` are not counted. `patience` is seconds for a request's body.
    """

    app: ASGIApp
    requests: Share
    refusals: Share
    largest_body: int
    free: tuple[str, ...] = ()
    patience: float = BODY_PATIENCE
    _good: OrderedDict[_Caller, None] = field(default_factory=OrderedDict, init=False)
    """Whose token was good when it was last shown from that address."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is too much."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        caller = _Caller.of(scope)
        counted = not scope["path"].startswith(self.free)
        if seconds := self._wait(caller, scope["method"]) if counted else 0.0:
            await _throttled(math.ceil(seconds))(scope, receive, send)
            return

        def started() -> None:
            if counted:
                self._count(caller, scope.get("state", {}))

        exchange = _Exchange(receive, send, self.largest_body, self.patience, started)
        await exchange.of(self.app, scope)

    def _wait(self, caller: _Caller, method: str) -> float:
        if caller in self._good:
            return self.requests.wait(caller.token)
        tries = caller.shows_something or method == "POST"
        refused = self.refusals.wait(caller.address) if tries else 0.0
        return max(refused, self.requests.wait(caller.address))

    def _count(self, caller: _Caller, state: Mapping[str, Any]) -> None:
        token: Token | None = state.get("token")
        if token is not None and token.id == caller.token:
            self.requests.use(caller.token)
            self._good[caller] = None
            self._good.move_to_end(caller)
            if len(self._good) > MOST_KEYS:
                self._good.popitem(last=False)
        else:
            self.requests.use(caller.address)
        if state.get("refused"):
            self.refusals.use(caller.address)
            self._good.pop(caller, None)


@dataclass(frozen=True, slots=True)
class _Caller:
    """Where a request comes from, and the id of the token that it says it has, '' for none."""

    address: str
    token: str
    shows_something: bool = field(compare=False)

    @classmethod
    def of(cls, scope: Scope) -> _Caller:
        host = scope["client"][0] if scope.get("client") else ""
        shown = Headers(scope=scope).get("authorization", "")
        named = _NAMED.fullmatch(shown)
        return cls(_network(host), named["id"] if named else "", bool(shown))


def _network(host: str) -> str:
    """The address, or of IPv6 the network: one customer has 2**64 of those addresses."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(address) if isinstance(address, IPv4Address) else f"{int(address) >> 64:x}::"


@dataclass(slots=True)
class _Exchange:
    """One request and its answer; `started` is called when the answer begins."""

    _receive: Receive
    _send: Send
    _largest: int
    _patience: float
    _started: Callable[[], None]
    _size: int = field(default=0, init=False)
    _until: float = field(default=0.0, init=False)
    _arriving: bool = field(default=True, init=False)
    _answered: bool = field(default=False, init=False)
    _refusal: Response | None = field(default=None, init=False)

    async def of(self, app: ASGIApp, scope: Scope) -> None:
        """Have `app` answer, unless the body is too large or too slow."""
        if _declared_size(scope) > self._largest:
            self._refusal = _too_large(self._largest)
        else:
            await self._asked(app, scope)
        if self._refusal is not None and not self._answered:
            self._started()
            await self._refusal(scope, self._receive, self._send)

    async def _asked(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive_some, self._send_some)
        except Exception:
            if self._refusal is None or self._answered:
                raise  # else it is about the body that did not come

    async def _receive_some(self) -> Message:
        """The next part of the body; as if the client had gone where the body is refused."""
        if not self._arriving:
            return await self._receive()
        self._until = self._until or current_time() + self._patience
        message: Message = {}
        with CancelScope(deadline=self._until):
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
        if self._answered:
            await self._send(message)
        elif self._refusal is None:
            self._answered = True
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
