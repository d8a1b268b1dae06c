"""The reference server: the API of `studio.py` and the objects of `storage.py` over real HTTP."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.reference import storage as storages
from tests.reference.messages import Answer, Refused, Request
from tests.reference.storage import Signer, Storage
from tests.reference.studio import ENDPOINTS, MODEL_REGISTRY, NOT_FOUND_PAGE, PROJECT, Studio

_POLL = 0.05
"""Seconds until the server notices that it shall end."""


@dataclass(slots=True)
class ReferenceServer:
    """A running server: where it is, what it was asked, what it shall answer next."""

    url: str
    """With the sub-path, without a trailing slash."""
    token: str = field(repr=False)
    """May do everything; `studio.issue_token` makes others."""
    studio: Studio
    storage: Storage
    requests: list[Request] = field(default_factory=list)
    """To the API, in order, their targets without the sub-path."""
    fetches: list[Request] = field(default_factory=list)
    """To the storage, in order."""
    api_script: deque[Answer] = field(default_factory=deque)
    """Given instead of the API's own answers, one each; what it does not have stays a 404."""
    storage_script: deque[Answer] = field(default_factory=deque)

    def answer(self, request: Request, base: str) -> Answer:
        """The answer to `request`, which is kept; `base` is our URL as the caller sees it."""
        of_storage = request.path.startswith(f"{storages.PREFIX}/")
        (self.fetches if of_storage else self.requests).append(request)
        script = self.storage_script if of_storage else self.api_script
        if script and (of_storage or request.path in ENDPOINTS):
            return script.popleft()
        try:
            if of_storage:
                return self.storage.answer(request, self.studio.now())
            return self.studio.answer(request, base)
        except Refused as refused:
            return refused.answer


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


@contextlib.contextmanager
def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    base_path: str = "",
    tls: ssl.SSLContext | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Iterator[ReferenceServer]:
    """A reference server in a thread of its own, until the block ends.

    `base_path` is a sub-path such as `/studio`. By default all remotes but local ones are served
    by the server's own storage; `studio.signers` may be changed to send callers elsewhere.
    """
    storage = Storage()
    signers: dict[str, Signer] = {
        "s3": storage.sign,
        "azure": storage.sign,
        "https": storage.public,
    }
    studio = Studio(signers=signers, now=now)
    token = studio.issue_token(MODEL_REGISTRY, PROJECT)
    with _Listener((host, port), base_path, tls) as listener:
        url = f"{listener.scheme}://{host}:{listener.server_port}{base_path}"
        listener.reference = ReferenceServer(url, token, studio, storage)
        thread = threading.Thread(target=listener.serve_forever, args=(_POLL,), daemon=True)
        thread.start()
        try:
            yield listener.reference
        finally:
            listener.shutdown()
            thread.join()
            listener.hang_up()


class _Listener(ThreadingHTTPServer):
    """Threads, TLS, and connections that are closed with the server."""

    daemon_threads = True
    request_queue_size = 128
    reference: ReferenceServer

    def __init__(self, at: tuple[str, int], base_path: str, tls: ssl.SSLContext | None) -> None:
        self.base_path, self.tls = base_path, tls
        self.scheme = "https" if tls else "http"
        self._open: set[socket.socket] = set()
        super().__init__(at, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls:  # the handshake is done by the connection's own thread
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that their callers keep open."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that go away, or do not trust our certificate, are no fault of ours."""


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the reference server, writes its answer."""

    server: _Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _handle(self) -> None:
        base_path = self.server.base_path
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            self.command, self.path.removeprefix(base_path), headers, self.rfile.read(length)
        )
        if self.path.startswith(f"{base_path}/"):
            base = f"{self.server.scheme}://{self.headers.get('Host')}{base_path}"
            self._send(self.server.reference.answer(request, base))
        else:
            self._send(Answer(404, NOT_FOUND_PAGE))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle

    def _send(self, answer: Answer) -> None:
        body, media_type = answer.encoded()
        headers = {"Content-Type": media_type, "Content-Length": str(len(body))}
        self.send_response(answer.status)
        for name, value in (headers | dict(answer.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what was asked is in `requests`."""
