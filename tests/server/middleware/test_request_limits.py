"""How often the server may be asked, and how much at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from studio_action.server.access import Token
from studio_action.server.middleware.counters import Counters
from studio_action.server.middleware.rate_limiter import RateLimiter
from studio_action.server.middleware.request_limits import RequestLimits
from tests.fakes import Time
from tests.server.loopback import served

CI, OTHER = "c1" * 8, "0e" * 8


def bearer(id: str, secret: str = "5ec2e7" * 8) -> str:
    return f"token isat_{id}{secret}"


def token(id: str) -> Token:
    return Token(
        id=id,
        name="ci",
        scopes=frozenset(),
        teams=frozenset(),
        repositories=frozenset(),
        all_repositories=False,
        created=datetime(2026, 11, 22, tzinfo=timezone.utc),
    )


class Server:
    """Knows the good tokens, reads each request's body, and can be asked from anywhere."""

    def __init__(self, per_minute: int = 6, refusals: int = 2) -> None:
        self.time = Time()
        self.good = {bearer(CI), bearer(OTHER)}
        counters = Counters(self.now)
        self.limited = RequestLimits(
            self._answer,
            requests=RateLimiter("requests", per_minute, counters),
            refusals=RateLimiter("refusals", refusals, counters),
            largest_body=100,
            free=("/files/", "/healthz"),
        )

    def now(self) -> float:
        return self.time.now

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        shown = request.headers.get("authorization", "")
        if shown in self.good:
            request.state.token = token(shown[11:27])
        elif shown:
            request.state.refused = "unknown"
        status = 200 if shown in self.good else 401
        body = await request.body()
        await PlainTextResponse(str(len(body)), status)(scope, receive, send)

    def ask(self, client: str = "192.0.2.1", shown: str = "", path: str = "/") -> int:
        """The status of a request."""
        return self.answer(client, shown, path)[0]["status"]

    def answer(self, client: str, shown: str = "", path: str = "/") -> list[Mapping[str, Any]]:
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "client": (client, 1234),
            "headers": [(b"authorization", shown.encode())] if shown else [],
        }
        sent: list[Mapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.limited(scope, receive, send))
        return sent

    def ask_until_throttled(self, client: str = "192.0.2.1", shown: str = "") -> int:
        """How many requests are answered before one is not."""
        return next(count for count in range(100) if self.ask(client, shown) == 429)


@pytest.mark.parametrize("shown", ["", bearer(CI)], ids=["without a token", "with a token"])
def test_requests__are_counted(shown: str) -> None:
    server = Server()

    assert server.ask_until_throttled(shown=shown) == 6
    server.time.now += 60
    assert server.ask_until_throttled(shown=shown) == 6


def test_requests__429_as_django_rest_framework_says_it() -> None:
    server = Server()
    server.ask_until_throttled()
    server.time.now += 50

    start, body = server.answer("192.0.2.1")

    assert (b"retry-after", b"10") in start["headers"]
    assert body["body"] == (
        b'{"detail":"Request was throttled. Expected available in 10 seconds."}'
    )


def test_requests__each_address_for_itself() -> None:
    server = Server()
    server.ask_until_throttled("192.0.2.1")

    assert server.ask("192.0.2.2") == 401


def test_requests__a_network_of_ipv6_is_one_address() -> None:
    server = Server()
    server.ask_until_throttled("2001:db8::1")

    assert server.ask("2001:db8::ffff:2") == 429
    assert server.ask("2001:db8:0:1::1") == 401


def test_requests__a_token_has_one_share_wherever_it_is_shown() -> None:
    server = Server()
    for client in ("192.0.2.1", "192.0.2.2"):
        assert server.ask(client, bearer(CI)) == 200

    server.ask_until_throttled("192.0.2.1", bearer(CI))

    assert server.ask("192.0.2.2", bearer(CI)) == 429
    assert server.ask("192.0.2.2", bearer(OTHER)) == 200


def test_requests__nobody_uses_up_the_share_of_a_token_whose_id_he_knows() -> None:
    server = Server(refusals=50)
    server.ask("192.0.2.1", bearer(CI))

    server.ask_until_throttled("203.0.113.9", bearer(CI, "0" * 48))

    assert server.ask("192.0.2.1", bearer(CI)) == 200


def test_requests__naming_ever_new_tokens_does_not_help() -> None:
    server = Server(refusals=50)

    asked = [server.ask(shown=bearer(f"{number:016x}")) for number in range(8)]

    assert asked == [401] * 6 + [429] * 2


@pytest.mark.parametrize("path", ["/files/folders/models/a", "/healthz"])
def test_requests__some_are_free(path: str) -> None:
    server = Server(per_minute=1)

    assert [server.ask(path=path) for _ in range(5)] == [401] * 5


def test_refusals__are_counted_more_strictly() -> None:
    server = Server()

    assert server.ask_until_throttled(shown="token wrong") == 2
    assert server.ask("192.0.2.2", "token wrong") == 401
    assert server.ask() == 401


def test_refusals__do_not_stop_a_token_that_is_good_there() -> None:
    server = Server()
    server.ask(shown=bearer(CI))

    server.ask_until_throttled(shown="token wrong")

    assert server.ask(shown=bearer(CI)) == 200
    assert server.ask(shown=bearer(OTHER)) == 429
    server.time.now += 60
    assert server.ask(shown=bearer(OTHER)) == 200


def test_refusals__a_token_that_was_revoked_is_not_good_any_more() -> None:
    server = Server()
    server.ask(shown=bearer(CI))
    server.good.clear()

    assert server.ask_until_throttled(shown=bearer(CI)) == 2


@pytest.fixture
def real() -> Iterator[str]:
    with served(Server(per_minute=1000).limited) as base:
        yield base


def chunks(*sizes: int) -> Iterator[bytes]:
    for size in sizes:
        yield bytes(size)


@pytest.mark.parametrize(
    ("body", "size"),
    [
        pytest.param(bytes(100), "100", id="declared"),
        pytest.param(chunks(50, 50), "100", id="chunked"),
        pytest.param(b"", "0", id="none"),
    ],
)
def test_body__as_large_as_may_be(real: str, body: Any, size: str) -> None:
    answer = requests.post(real, data=body, timeout=10)

    assert (answer.status_code, answer.text) == (401, size)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(bytes(101), id="declared"),
        pytest.param(chunks(60, 41), id="chunked"),
        pytest.param(chunks(*[10] * 1000), id="many chunks"),
    ],
)
def test_body__too_large(real: str, body: Any) -> None:
    answer = requests.post(real, data=body, timeout=10)

    assert answer.status_code == 413
    assert answer.json() == {"detail": "The request is larger than 100 bytes."}
    assert answer.headers["connection"] == "close"


def test_body__declared_beyond_all_measure() -> None:
    server = Server()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(b"content-length", b"9" * 5000)],
    }
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(server.limited(scope, None, send))  # type: ignore[arg-type]

    assert sent[0]["status"] == 413


def test_body__that_does_not_come() -> None:
    server = Server()
    limited = RequestLimits(
        server._answer,
        requests=RateLimiter("requests", 6, Counters(server.now)),
        refusals=RateLimiter("refusals", 6, Counters(server.now)),
        largest_body=100,
        patience=0.02,
    )
    with served(limited) as base:
        address = urlsplit(base)
        with socket.create_connection((address.hostname, address.port), 10) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nsome")

            answer = b"".join(iter(lambda: client.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert answer.endswith(b'{"detail":"The request took too long to arrive."}')


def test_body__a_client_that_reads_on_after_its_request_is_not_hurried() -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        heard.append((await receive())["type"])

    async def ask() -> None:
        gone = asyncio.Event()
        messages: list[dict[str, Any]] = [{"type": "http.request", "body": b"x"}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        limit = RateLimiter("requests", 6, Counters(lambda: 0.0))
        limited = RequestLimits(app, limit, limit, 100, patience=0.01)
        task = asyncio.create_task(limited(scope, receive, receive))  # type: ignore[arg-type]
        await asyncio.wait([task], timeout=0.05)
        assert not heard
        gone.set()
        await task

    asyncio.run(ask())

    assert heard == ["http.disconnect"]
