"""Clients that hold connections keep nobody else out."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.server.run.raw import HONEST, connected, statuses, until_closed
from tests.server.running import Running, started

pytestmark = pytest.mark.servers

HEAD = b"GET /healthz HTTP/1.1\r\nHost: models\r\nX-Slow: "
BODY = b"POST /api/webhook HTTP/1.1\r\nHost: models\r\nContent-Length: 1000\r\n\r\n"
SOON = 1.0
"""Seconds within which an honest client has its answer."""


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """As many open files as the system lets one process have, which includes the server."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("server"), connections_per_address=200) as running:
        yield running


def asked(server: Running, source: str) -> tuple[int, float]:
    """The status that a client at this address gets, and the seconds until then."""
    began = time.monotonic()
    with connected(server, source) as client:
        with suppress(ConnectionError):
            client.sendall(HONEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        (status,) = statuses(until_closed(client))
    return status, time.monotonic() - began


def hold(stack: ExitStack, server: Running, count: int, source: str) -> list[socket.socket]:
    return [stack.enter_context(connected(server, source)) for _ in range(count)]


def test_idle__of_one_address(server: Running, stack: ExitStack) -> None:
    held = hold(stack, server, 1100, "127.0.0.1")

    status, seconds = asked(server, "127.0.0.2")
    assert (status, seconds < SOON) == (200, True)
    refused = until_closed(held[200])
    assert statuses(refused) == [429]
    assert b"\r\nretry-after: 5\r\n" in refused
    assert server.wait_for("too many connections of one address")["client"] == "127.0.0.1"
    held[0].sendall(HONEST)
    assert statuses(held[0].recv(1 << 16)) == [200]


def test_dripping__of_many_addresses(server: Running, stack: ExitStack) -> None:
    held = [
        (client, what)
        for address, what in enumerate([HEAD, BODY, HEAD, BODY, HEAD], 10)
        for client in hold(stack, server, 100, f"127.0.0.{address}")
    ]
    for client, what in held:
        client.sendall(what)

    for _ in range(5):
        for client, _ in held:
            client.sendall(b"x")
        status, seconds = asked(server, "127.0.0.2")
        assert (status, seconds < SOON) == (200, True)


def test_all_taken__whoever_lets_the_server_wait_gives_way(
    server: Running, stack: ExitStack
) -> None:
    first, *_ = hold(stack, server, 100, "127.0.0.20")
    for address in range(21, 30):
        for client in hold(stack, server, 100, f"127.0.0.{address}"):
            client.sendall(BODY)

    status, seconds = asked(server, "127.0.0.2")

    assert (status, seconds < SOON) == (200, True)
    with suppress(ConnectionResetError):
        assert first.recv(1) == b""


def test_proxy__has_as_many_as_the_server(
    tmp_path_factory: pytest.TempPathFactory, stack: ExitStack
) -> None:
    folder = tmp_path_factory.mktemp("proxied")
    with started(folder, connections_per_address=5, trusted_proxies=["127.0.0.1"]) as server:
        hold(stack, server, 50, "127.0.0.1")
        hold(stack, server, 5, "127.0.0.2")

        assert asked(server, "127.0.0.1")[0] == 200
        assert asked(server, "127.0.0.2")[0] == 429
