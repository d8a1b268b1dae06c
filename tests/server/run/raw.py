"""Clients that write to a server's socket whatever they like."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from tests.server.running import Running

HONEST = b"GET /healthz HTTP/1.1\r\nHost: models\r\n\r\n"


def connected(server: Running, source: str = "127.0.0.1") -> socket.socket:
    """A connection to the server from this address of the loopback interface."""
    parts = urlsplit(server.url)
    assert parts.hostname is not None
    address = (parts.hostname, parts.port or 80)
    return socket.create_connection(address, 10, source_address=(source, 0))


def statuses(received: bytes) -> list[int]:
    """The statuses of all responses in what was received."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", received)]


def until_closed(client: socket.socket) -> bytes:
    """All that comes until the server closes the connection; fail if it resets it."""
    received = b""
    while block := client.recv(1 << 16):
        received += block
    return received


def exchanged(server: Running, sent: bytes) -> list[int]:
    """The statuses of the responses to `sent`, after which the server closes the connection."""
    with connected(server) as client:
        with suppress(ConnectionError):  # it need not be taken to its end
            client.sendall(sent)
        return statuses(until_closed(client))
