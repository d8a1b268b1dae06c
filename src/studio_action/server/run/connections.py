"""The connections of callers: where they come in, and how long one may do nothing."""

from __future__ import annotations

import asyncio
import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from studio_action.errors import BadInput
from studio_action.text import printable

BACKLOG = 2048
HEAD_PATIENCE = 20.0
"""Seconds in which a request's head has to be there."""
LARGEST_HEAD = 1 << 16
"""Bytes of a request's head that are kept until the rest of it comes."""
TAKE_PATIENCE = 60.0
"""Seconds after which a client that takes nothing of what it was sent is left alone."""


def listen(host: str, port: int, patience: float = TAKE_PATIENCE) -> socket.socket:
    """A socket that callers can connect to, though nobody answers yet; port 0 is any free one.

    The kernel ends connections whose other end takes nothing for `patience` seconds (`tcp(7)`).
    Raises `BadInput`.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _refused(host, port, error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(patience * 1000))
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _refused(host, port, error) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """The URL at which the socket is reached from this machine, e.g. `http://127.0.0.1:8000`."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refused(host: str, port: int, error: OSError | UnicodeError) -> BadInput:
    reason = error.strerror if isinstance(error, OSError) else "that is no name of a host"
    return BadInput(
        f"cannot listen at {printable(host, 100)}, port {port}: {reason}",
        "Give another --host or --port",
    )


_TOO_LARGE = b"\r\n".join(
    [
        b"HTTP/1.1 431 Request Header Fields Too Large",
        b"connection: close",
        b"content-length: 0",
        b"\r\n",
    ]
)


class PromptProtocol(HttpToolsProtocol):
    """HTTP, of callers whose requests have heads that come soon, and come to an end."""

    patience = HEAD_PATIENCE
    _waiting: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on, while the head is of a size that can be meant."""
        super().data_received(data)
        self._head = 0 if self._waiting is None else self._head + len(data)
        if self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Wait for the rest of the head."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """Answer."""
        self._wait_no_more()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the caller."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.patience, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
