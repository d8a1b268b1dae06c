"""Listens for connections."""

from __future__ import annotations

import socket

from studio_action.errors import BadInput
from studio_action.text import printable

BACKLOG = 2048
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
