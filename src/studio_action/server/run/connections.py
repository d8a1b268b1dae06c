"""Listens for connections, and limits how long an idle or slow client may hold one."""

from __future__ import annotations

import asyncio
import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from studio_action.errors import BadInput
from studio_action.text import printable

BACKLOG = 2048
HEAD_PATIENCE = 20.0
"""The seconds within which a request's head must arrive."""
LARGEST_HEAD = 1 << 16
"""The most bytes of a request's head."""
TAKE_PATIENCE = 60.0
"""The seconds after which a client that takes none of the sent bytes is disconnected."""


def listen(host: str, port: int, patience: float = TAKE_PATIENCE) -> socket.socket:
    """Return a listening socket; port 0 means any free one. Raise `BadInput` if it cannot listen.

    The kernel closes connections whose client takes nothing for `patience` seconds (`tcp(7)`).
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


def url_of(listening: socket.socket) -> str:
    """Return the URL of the socket on this machine, such as `http://127.0.0.1:8000`."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refused(host: str, port: int, error: OSError | UnicodeError) -> BadInput:
    reason = error.strerror if isinstance(error, OSError) else "that is not a host name"
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
    """HTTP that disconnects clients whose request heads are too slow or too large."""

    patience = HEAD_PATIENCE
    _timer: asyncio.TimerHandle | None = None
    _head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the first request's head."""
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Read on; answer 431 if the head is too large."""
        super().data_received(data)
        self._head_size = 0 if self._timer is None else self._head_size + len(data)
        if self._head_size > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Start the timer for the rest of the head."""
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        """Stop the timer: the head is complete."""
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer: the client has disconnected."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.patience, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
