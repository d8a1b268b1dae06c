"""The line that each request leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio_action.errors import ObjectMissing
from studio_action.server.access import Token
from studio_action.server.middleware.access_log import AccessLog
from tests.fakes import Time
from tests.server.lines import Lines
from tests.server.loopback import served

CI = Token(
    id="0123456789abcdef",
    name="ci\nof acme",
    scopes=frozenset(),
    teams=frozenset(),
    repositories=frozenset(),
    all_repositories=False,
    created=datetime(2026, 11, 22, tzinfo=timezone.utc),
)


class Server:
    """Answers as a test says, behind the access log."""

    def __init__(self) -> None:
        self.lines, self.time = Lines(), Time()
        self.answer: ASGIApp = PlainTextResponse("hello")
        self.base, self.asked = "", 0
        self.logged = AccessLog(self._answer, self.lines.log, lambda: self.time.now, bytes)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.time.now += 0.25
        await self.answer(scope, receive, send)

    def get(self, path: str = "/", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.request("GET", path, headers=named)

    def request(self, method: str, path: str, **given: Any) -> requests.Response:
        """The answer, when its line has been written."""
        self.asked += 1
        try:
            return requests.request(method, self.base + path, timeout=10, **given)
        finally:
            self.lines.wait_for("request", self.asked)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with served(server.logged) as base:
        server.base = base
        yield server


def test_line__tells_all_of_a_request(server: Server) -> None:
    server.get("/api/model-registry/models?repo=acme%2Fmodels", user_agent="curl/8\xad")

    [line] = server.lines.all
    del line["time"]
    assert line == {
        "level": "info",
        "message": "request",
        "method": "GET",
        "path": "/api/model-registry/models",
        "status": 200,
        "seconds": 0.25,
        "bytes": 5,
        "complete": True,
        "client": "127.0.0.1",
        "request_id": "0000000000000000",
        "user_agent": "curl/8�",
    }


def test_line__tells_whose_token_it_was(server: Server) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        Request(scope).state.token = CI
        await PlainTextResponse("hello")(scope, receive, send)

    server.answer = answer
    server.get()

    [line] = server.lines.all
    assert (line["token_id"], line["token_name"]) == ("0123456789abcdef", "ci of acme")


def test_line__tells_why_a_token_was_refused(server: Server) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        Request(scope).state.refused = "expired"
        await PlainTextResponse("no", 401)(scope, receive, send)

    server.answer = answer
    server.get()

    assert (server.lines.all[0]["status"], server.lines.all[0]["refused"]) == (401, "expired")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("7b3c-4.A_z", True, id="sane"),
        pytest.param("a" * 64, True, id="as long as can be"),
        pytest.param("a" * 65, False, id="too long"),
        pytest.param("a b", False, id="a space"),
        pytest.param('{"', False, id="punctuation"),
    ],
)
def test_request_id__of_the_caller(server: Server, given: str, kept: bool) -> None:
    answer = server.get(x_request_id=given)

    expected = given if kept else "0000000000000000"
    assert answer.headers["x-request-id"] == expected
    assert server.lines.all[0]["request_id"] == expected


def test_request_id__is_in_the_state(server: Server) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(Request(scope).state.request_id)(scope, receive, send)

    server.answer = answer

    assert server.get(x_request_id="mine").text == "mine"


def failing(error: Exception) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return answer


def test_fault__is_a_500_and_a_traceback_in_the_log(server: Server) -> None:
    server.answer = failing(KeyError("isat_5ec2e75ec2e7"))

    answer = server.get(x_request_id="mine")

    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal server error. See the server's log."}
    fault, line = server.lines.all
    assert (fault["level"], fault["request_id"]) == ("error", "mine")
    assert fault["traceback"][-1] == "KeyError: '***'"
    assert line["status"] == 500


def breaking_off(error: Exception) -> ASGIApp:
    def body() -> Iterator[bytes]:
        yield b"some"
        raise error

    return StreamingResponse(body(), headers={"content-length": "9"})


@pytest.mark.parametrize(
    ("error", "level"),
    [(ObjectMissing("it became shorter"), "warning"), (KeyError("x"), "error")],
    ids=["explained", "a fault"],
)
def test_fault__in_the_middle_of_a_body(server: Server, error: Exception, level: str) -> None:
    server.answer = breaking_off(error)

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        server.get()

    said, line = server.lines.all
    assert said["level"] == level
    assert (line["status"], line["bytes"], line["complete"]) == (200, 4, False)


hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)


def by_header(secret: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"token isat_{secret}"}}


def by_bearer(secret: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer isat_{secret}"}}


def by_cookie(secret: str) -> dict[str, Any]:
    return {"headers": {"Cookie": f"studio-action={secret}"}}


def by_query(secret: str) -> dict[str, Any]:
    return {"params": {"token": secret, "Signature": secret}}


def by_form(secret: str) -> dict[str, Any]:
    return {"data": {"token": f"isat_{secret}"}}


def by_agent(secret: str) -> dict[str, Any]:
    return {"headers": {"User-Agent": f"curl isat_{secret}", "X-Request-Id": f"isat_{secret}"[:64]}}


def by_referer(secret: str) -> dict[str, Any]:
    return {"headers": {"Referer": f"https://x/?token={secret}"}}


def by_user_info(secret: str) -> dict[str, Any]:
    return {"auth": ("user", secret)}


@pytest.mark.parametrize(
    "given",
    [
        by_header,
        by_bearer,
        by_cookie,
        by_query,
        by_form,
        by_agent,
        by_referer,
        by_user_info,
    ],
    ids=lambda given: given.__name__,
)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=hexadecimal)
def test_line__no_secret_is_in_it(
    server: Server, given: Callable[[str], dict[str, Any]], secret: str
) -> None:
    server.request("POST", "/login", **given(secret))

    assert secret[:48] not in server.lines.text


def test_line__no_token_in_a_path_is_shown(server: Server) -> None:
    server.get("/api/isat_5ec2e75ec2e7/x")

    assert server.lines.all[0]["path"] == "/api/***/x"
