"""Clients that do nothing, or take nothing, do not keep a connection for ever."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio_action.errors import BadInput
from studio_action.server.run.listening import listen, url_of
from studio_action.server.run.protocol import PromptProtocol

PATIENCE = 10.0


class Impatient(PromptProtocol):
    patience = 0.05


@contextmanager
def served(
    app: ASGIApp, listening: socket.socket, protocol: type[PromptProtocol] = Impatient
) -> Iterator[socket.socket]:
    """A client's connection to a server that does not wait long."""
    config = uvicorn.Config(
        app, http=protocol, log_config=None, access_log=False, lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)

    def run() -> None:
        asyncio.run(server.serve(sockets=[listening]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with socket.create_connection(listening.getsockname()[:2], PATIENCE) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with listen("127.0.0.1", 0) as listening, served(PlainTextResponse("hello"), listening) as it:
        yield it


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HT", id="half a line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: models\r\nX-Slow: ", id="half a head"),
    ],
)
def test_head__that_does_not_come(client: socket.socket, sent: bytes) -> None:
    client.sendall(sent)

    assert ended(client)


def test_head__without_an_end() -> None:
    class Patient(PromptProtocol):
        patience = PATIENCE

    with (
        listen("127.0.0.1", 0) as listening,
        served(PlainTextResponse("hello"), listening, Patient) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\n")
        answer = b""
        while not answer:
            client.sendall(b"X-More: " + b"x" * 5000 + b"\r\n")
            answer = received_already(client)

    assert answer.startswith(b"HTTP/1.1 431 ")


def test_head__of_a_second_request(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: models\r\n\r\n")
    assert answer_of(client).endswith(b"hello")

    client.sendall(b"GET / HTTP/1.1\r\nHo")

    assert ended(client)


@pytest.mark.parametrize(
    "drop",
    [
        pytest.param(b"\r\n", id="empty lines"),
        pytest.param(b"x", id="a body that was not read"),
    ],
)
def test_head__what_drips_after_an_answer(client: socket.socket, drop: bytes) -> None:
    length = b"Content-Length: 1000\r\n" if drop == b"x" else b""
    client.sendall(b"GET / HTTP/1.1\r\nHost: models\r\n" + length + b"\r\n")
    assert answer_of(client).endswith(b"hello")

    client.settimeout(0.01)
    began = time.monotonic()
    while not drips(client, drop):
        assert time.monotonic() < began + PATIENCE


def drips(client: socket.socket, drop: bytes) -> bool:
    """Send one drop; return whether the other end has closed the connection."""
    try:
        client.sendall(drop)
        return client.recv(4096) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_head__a_slow_answer_is_waited_for() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        slow = asyncio.create_task(receive_all(receive))
        await asyncio.wait([slow], timeout=4 * Impatient.patience)
        slow.cancel()
        await PlainTextResponse("at last")(scope, receive, send)

    with listen("127.0.0.1", 0) as listening, served(app, listening) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: models\r\n\r\n")

        assert answer_of(client).endswith(b"at last")


async def receive_all(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def answer_of(client: socket.socket) -> bytes:
    """The answer, until the last word that a test's application says."""
    received = b""
    while not received.endswith((b"hello", b"at last")):
        received += client.recv(4096)
    return received


def received_already(client: socket.socket) -> bytes:
    """What has come, if anything has."""
    ready, _, _ = select.select([client], [], [], 0.01)
    return client.recv(4096) if ready else b""


def ended(client: socket.socket) -> bool:
    """Whether the other end closes the connection."""
    try:
        return client.recv(4096) == b""
    except ConnectionResetError:
        return True


def test_listen__a_client_that_takes_nothing_is_left_alone() -> None:
    gone = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard = asyncio.create_task(receive_all(receive))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not heard.done():
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
            await asyncio.sleep(0)
        gone.set()

    with listen("127.0.0.1", 0, patience=0.1) as listening, served(app, listening) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: models\r\n\r\n")

        assert gone.wait(PATIENCE)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_address_of__what_can_be_asked(host: str) -> None:
    with (
        listen(host, 0) as listening,
        served(PlainTextResponse("hello"), listening),
    ):
        assert requests.get(url_of(listening), timeout=PATIENCE).text == "hello"


def test_listen__a_port_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(BadInput, match=f"127.0.0.1, port {port}: Address already in use"):
            listen("127.0.0.1", port)


def test_listen__a_host_that_is_not_known() -> None:
    with pytest.raises(BadInput, match=r"cannot listen at a{64}, port 8000: "):
        listen("a" * 64, 8000)  # longer than a name may be, so that no name server is asked


def test_client__over_ipv4_on_a_socket_for_both() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(scope["client"][0])(scope, receive, send)

    with listen("::", 0) as listening, served(app, listening):
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"

        assert requests.get(address, timeout=PATIENCE).text == "127.0.0.1"
