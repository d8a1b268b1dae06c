"""Files of web remotes that need a password, passed on as they come: resumable, in little memory.

Conditions and ranges are the remote's own business: what it answers is passed on if it is an answer
to what was asked. An answer that breaks off there breaks off here.
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
from studio_action.server.registry.upstream import Answer

Ask = Callable[[str, InWebRemote, Mapping[str, str]], Answer]
"""The answer to a method and headers; it may block, and raises `StudioActionError`s."""

_THREADS = 32
"""For each remote: one that is slow holds up no other."""
_SOON = "10"
_FORMS = {
    "accept-ranges": re.compile(r"bytes|none"),
    "content-length": re.compile(r"\d{1,18}", re.ASCII),
    "content-range": re.compile(r"bytes (\d{1,18}-\d{1,18}|\*)/(\d{1,18}|\*)", re.ASCII),
    "etag": re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]{0,500}"'),
    "last-modified": re.compile(r"[A-Za-z0-9 ,:+-]{1,64}"),
}
"""The headers that are passed on, if they are what they should be."""
_PART = re.compile(r"bytes \d")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is passed on: a status, and what is said to the caller."""

    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Relay:
    """Sends what `ask` is answered."""

    ask: Ask
    log: Log
    _threads: dict[tuple[str, str], CapacityLimiter] = field(default_factory=dict)

    async def __call__(self, file: InWebRemote, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 200, 206, 304 or 416 as the remote does, 404 for no file, else 502 or 503."""
        threads = self._threads.setdefault(
            (file.repository, file.remote), CapacityLimiter(_THREADS)
        )
        asked = conditions(scope["method"], Headers(scope=scope))
        try:
            answer = await to_thread.run_sync(
                self.ask, scope["method"], file, asked, limiter=threads
            )
        except StudioActionError as error:
            await self._refuse(file, _explained(error), scope, receive, send)
            return
        try:
            head = judged(asked, answer)
            if isinstance(head, Refusal):
                await self._refuse(file, head, scope, receive, send)
                return
            raw = [(name.encode(), text.encode("latin-1")) for name, text in head.items()]
            await send({"type": "http.response.start", "status": answer.status, "headers": raw})
            if scope["method"] == "HEAD" or answer.status in (304, 416):
                with suppress(Unreachable):  # what is read here keeps the connection good
                    await to_thread.run_sync(answer.read, limiter=threads)
                await send({"type": "http.response.body", "body": b""})
            else:
                await _stream(answer, threads, receive, send)
        finally:
            answer.end()

    async def _refuse(
        self, file: InWebRemote, why: Refusal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if why.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            said = {"repository": file.repository, "remote": file.remote, "error": why.detail}
            self.log("a file could not be passed on", level="warning", **said)
        later = {"Retry-After": _SOON} if why.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        await JSONResponse({"detail": why.detail}, why.status, later)(scope, receive, send)


def conditions(method: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a request that are passed on: those that `ranges.part` would heed."""
    asked = {}
    if "if-none-match" in headers:
        asked["If-None-Match"] = headers["if-none-match"]
    if method == "GET" and ONE_RANGE.fullmatch(headers.get("range", "")):
        asked["Range"] = headers["range"]
        if "if-range" in headers:
            asked["If-Range"] = headers["if-range"]
    return asked


def judged(asked: Mapping[str, str], answer: Answer) -> dict[str, str] | Refusal:
    """The headers that go out, or why nothing does."""
    status = answer.status
    told = {
        name: answer.headers[name]
        for name, form in _FORMS.items()
        if form.fullmatch(answer.headers.get(name, ""))
    }
    if status == 416 and "Range" in asked:
        return {**HEADERS, **_only(told, "content-range"), "content-length": "0"}
    if status == 304 and "If-None-Match" in asked:
        return {**HEADERS, **_only(told, "etag", "last-modified", "accept-ranges")}
    if status not in (200, 206):
        return _refusal(answer)
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        return Refusal(502, "The remote sends the file in another form than it has.")
    if status == 206 and not ("Range" in asked and _PART.match(told.get("content-range", ""))):
        return Refusal(502, "The remote sends a part that was not asked for.")
    if status == 200:
        told.pop("content-range", None)
    if "chunked" in answer.headers.get("transfer-encoding", "").lower():
        told.pop("content-length", None)
    elif "content-length" not in told:
        return Refusal(502, "The remote does not tell how long the file is.")
    return {**HEADERS, **told}


def _only(told: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: told[name] for name in names if name in told}


def _refusal(answer: Answer) -> Refusal:
    match answer.status:
        case 404 | 410:
            return Refusal(404, str(missing()))
        case 401 | 403 | 407 if answer.own:
            return Refusal(
                502,
                "The remote refused the server's own password."
                " Correct it in the server's configuration.",
            )
        case 429 | 503:
            return Refusal(503, f"The remote is busy (HTTP {answer.status}). Try again later.")
        case status:
            return Refusal(502, f"The remote answered HTTP {status}.")


def _explained(error: StudioActionError) -> Refusal:
    match error:
        case ObjectMissing():
            return Refusal(404, str(error))
        case Unreachable():
            return Refusal(503, str(error))
    return Refusal(502, str(error))


async def _stream(answer: Answer, threads: CapacityLimiter, receive: Receive, send: Send) -> None:
    """Send the body, until the client goes away; the remote hears of that at once."""
    gone = asyncio.ensure_future(disconnected(receive))
    gone.add_done_callback(lambda done: None if done.cancelled() else answer.end())
    try:
        while block := await to_thread.run_sync(answer.read, limiter=threads):
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except Unreachable:
        if not gone.done():
            raise
    finally:
        gone.cancel()
