"""Requests over HTTP from many clients at once, each of which waits for its answer.

It costs little itself, since it shares the machine with the server: sockets, httptools, uvloop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

Target = Callable[[], str]
"""The path and query to ask for next."""


@dataclass
class Load:
    """What came of it: seconds that every answered request took, and how many went wrong.

    `waited` are those that the others had waited when the time was up.
    """

    seconds: float = 0.0
    taken: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    errors: int = 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.taken) / self.seconds

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 were answered, or more where the time was up before."""
        every = sorted(self.taken + self.waited)
        return every[math.ceil(0.99 * len(every)) - 1]


def run(url: str, token: str, target: Target, *, clients: int, seconds: float) -> Load:
    """Ask the server at `url` for so long."""
    return uvloop.run(_load(url, token, target, clients, seconds))


async def _load(url: str, token: str, target: Target, clients: int, seconds: float) -> Load:
    parts, loop, load = urlsplit(url), asyncio.get_running_loop(), Load()
    head = f"Host: {parts.netloc}\r\nAuthorization: token {token}\r\n\r\n"
    every = []
    started = time.perf_counter()
    for _ in range(clients):
        _, client = await loop.create_connection(
            lambda: _Client(load, lambda: f"GET {target()} HTTP/1.1\r\n{head}".encode()),
            parts.hostname,
            parts.port,
        )
        every.append(client)
    await asyncio.sleep(seconds)
    load.seconds = time.perf_counter() - started
    for client in every:
        client.stop()
    return load


class _Client(asyncio.Protocol):
    """One connection, which stays open: a request, its answer, the next request."""

    def __init__(self, load: Load, request: Callable[[], bytes]) -> None:
        self._load, self._request = load, request
        self._stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own are no subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._stopped:
            return
        if self._parser.get_status_code() == 200 and b"Signature=" in self._body:
            self._load.taken.append(time.perf_counter() - self._sent)
        else:
            self._load.errors += 1
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.errors += not self._stopped

    def stop(self) -> None:
        """No more of it."""
        self._stopped = True
        self._load.waited.append(time.perf_counter() - self._sent)
        self._transport.abort()

    def _send(self) -> None:
        self._parser, self._body = httptools.HttpResponseParser(self), b""
        self._sent = time.perf_counter()
        self._transport.write(self._request())
