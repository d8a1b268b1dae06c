"""An ASGI application served over loopback by the real server, for the time of a test."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of `app`, which is stopped and has cleaned up when the block ends."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Else each answer's second packet waits 40 ms for the first to be acknowledged.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ready = threading.Event()
        thread = threading.Thread(target=_run, args=(server, listening, ready))
        thread.start()
        try:
            assert ready.wait(10)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def _run(server: uvicorn.Server, listening: socket.socket, ready: threading.Event) -> None:
    # The connection waits in the backlog until the server takes it: no need to wait for that.
    ready.set()
    asyncio.run(server.serve(sockets=[listening]))
