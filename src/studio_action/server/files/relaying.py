"""Relays files of web remotes that need a password, in little memory and resumably.

The remote itself handles conditions and ranges. Its response is relayed if it fits the request; if
it breaks off, so does ours.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from studio_action.errors import ObjectMissing, StudioActionError, Unreachable
from studio_action.server.files.ranges import ONE_RANGE
from studio_action.server.files.serving import HEADERS, disconnected, missing
from studio_action.server.links import InWebRemote
from studio_action.server.log import Log
from studio_action.server.registry.upstream import UpstreamResponse

OpenFile = Callable[[str, InWebRemote, Mapping[str, str]], UpstreamResponse]
"""Requests a file with a method and headers; may block, and raise `StudioActionError`."""

_THREADS_EACH = 32
"""The threads of one remote, so that a slow one delays no other."""
_RETRY_AFTER = "10"
_RELAYED = {
    "accept-ranges": re.compile(r"bytes|none"),
    "content-length": re.compile(r"\d{1,18}", re.ASCII),
    "content-range": re.compile(r"bytes (\d{1,18}-\d{1,18}|\*)/(\d{1,18}|\*)", re.ASCII),
    "etag": re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]{0,500}"'),
    "last-modified": re.compile(r"[A-Za-z0-9 ,:+-]{1,64}"),
}
"""The headers that are relayed, if they are well-formed."""
_PART = re.compile(r"bytes \d")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the file is not relayed: a status, and a message for the client."""

    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Relay:
    """Sends the responses of `open_file` on."""

    open_file: OpenFile
    log: Log
    _threads: dict[tuple[str, str], CapacityLimiter] = field(default_factory=dict)

    async def __call__(self, file: InWebRemote, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 200, 206, 304 or 416 like the remote, 404 without a file, else 502 or 503."""
        threads = self._threads.setdefault(
            (file.repository, file.remote), CapacityLimiter(_THREADS_EACH)
        )
        conditions = relayed_conditions(scope["method"], Headers(scope=scope))
        try:
            response = await to_thread.run_sync(
                self.open_file, scope["method"], file, conditions, limiter=threads
            )
        except StudioActionError as error:
            await self._refuse(file, _refusal_for(error), scope, receive, send)
            return
        try:
            head = relayed_headers(conditions, response)
            if isinstance(head, Refusal):
                await self._refuse(file, head, scope, receive, send)
                return
            raw = [(name.encode(), text.encode("latin-1")) for name, text in head.items()]
            await send({"type": "http.response.start", "status": response.status, "headers": raw})
            if scope["method"] == "HEAD" or response.status in (304, 416):
                with suppress(Unreachable):  # reading the rest keeps the connection usable
                    await to_thread.run_sync(response.read, limiter=threads)
                await send({"type": "http.response.body", "body": b""})
            else:
                await _stream(response, threads, receive, send)
        finally:
            response.close()

    async def _refuse(
        self, file: InWebRemote, why: Refusal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if why.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            fields = {"repository": file.repository, "remote": file.remote, "error": why.detail}
            self.log("a file cannot be relayed", level="warning", **fields)
        headers = (
            {"Retry-After": _RETRY_AFTER} if why.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        )
        await JSONResponse({"detail": why.detail}, why.status, headers)(scope, receive, send)


def relayed_conditions(method: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers to send to the remote: those that `ranges.select_part` supports."""
    conditions = {}
    if "if-none-match" in headers:
        conditions["If-None-Match"] = headers["if-none-match"]
    if method == "GET" and ONE_RANGE.fullmatch(headers.get("range", "")):
        conditions["Range"] = headers["range"]
        if "if-range" in headers:
            conditions["If-Range"] = headers["if-range"]
    return conditions


def relayed_headers(
    conditions: Mapping[str, str], response: UpstreamResponse
) -> dict[str, str] | Refusal:
    """Return the headers to relay; a `Refusal` if the response does not fit the request."""
    status = response.status
    headers = {
        name: response.headers[name]
        for name, pattern in _RELAYED.items()
        if pattern.fullmatch(response.headers.get(name, ""))
    }
    if status == 416 and "Range" in conditions:
        return {**HEADERS, **_only(headers, "content-range"), "content-length": "0"}
    if status == 304 and "If-None-Match" in conditions:
        return {**HEADERS, **_only(headers, "etag", "last-modified", "accept-ranges")}
    if status not in (200, 206):
        return _refusal(response)
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        return Refusal(502, "The remote sends the file with a content encoding.")
    if status == 206 and not (
        "Range" in conditions and _PART.match(headers.get("content-range", ""))
    ):
        return Refusal(502, "The remote sends a part that was not requested.")
    if status == 200:
        headers.pop("content-range", None)
    if "chunked" in response.headers.get("transfer-encoding", "").lower():
        headers.pop("content-length", None)
    elif "content-length" not in headers:
        return Refusal(502, "The remote does not say how long the file is.")
    return {**HEADERS, **headers}


def _only(headers: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _refusal(response: UpstreamResponse) -> Refusal:
    match response.status:
        case 404 | 410:
            return Refusal(404, str(missing()))
        case 401 | 403 | 407 if response.is_from_own_host:
            return Refusal(
                502,
                "The remote refused the server's own password."
                " Correct it in the server's configuration.",
            )
        case 429 | 503:
            return Refusal(503, f"The remote is busy (HTTP {response.status}). Try again later.")
        case status:
            return Refusal(502, f"The remote answered HTTP {status}.")


def _refusal_for(error: StudioActionError) -> Refusal:
    match error:
        case ObjectMissing():
            return Refusal(404, str(error))
        case Unreachable():
            return Refusal(503, str(error))
    return Refusal(502, str(error))


async def _stream(
    response: UpstreamResponse, threads: CapacityLimiter, receive: Receive, send: Send
) -> None:
    """Send the body; close the remote's response as soon as the client disconnects."""
    disconnect = asyncio.ensure_future(disconnected(receive))
    disconnect.add_done_callback(lambda done: None if done.cancelled() else response.close())
    try:
        while block := await to_thread.run_sync(response.read, limiter=threads):
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except Unreachable:
        if not disconnect.done():
            raise
    finally:
        disconnect.cancel()
