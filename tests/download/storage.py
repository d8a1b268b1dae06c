"""A storage on loopback that answers as it is told to, one script for each request.

It keeps what was asked of it, so that a test can say what was sent, and how often.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """What came in: path with query, headers by lower-case name."""

    path: str
    headers: dict[str, str]
    method: str = "GET"

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last byte of the `Range`."""
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        return (int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True)
class Reply:
    """What goes out. `length` of None sends no Content-Length; `cut` bytes are all that is sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = -1
    cut: int | None = None
    reset: bool = False
    hang: bool = False
    pause: float = 0.0


Script = Callable[[Request], Reply | None]
"""Answers a request, or leaves it to the storage (None)."""


class Storage:
    """Objects by path, and scripts that come before them."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.scripts: list[Script] = []
        self.requests: list[Request] = []
        self.ranges = True
        self.sent = 0
        """Bytes of bodies."""
        self.abandoned = 0
        """Answers whose caller went away."""
        self.pace = 0.0
        """Seconds between two blocks of 64 KiB of one body."""
        self.url = ""
        self.over = threading.Event()
        self.lock = threading.Lock()

    def put(self, path: str, content: bytes) -> str:
        """Store an object; gives its URL."""
        self.objects[path] = content
        return f"{self.url}/{path}"

    def first(self, *replies: Reply) -> None:
        """Answer the next requests with these, one after the other."""
        pending = list(replies)

        def script(_: Request) -> Reply | None:
            with self.lock:
                return pending.pop(0) if pending else None

        self.scripts.append(script)

    def always(self, script: Script) -> None:
        """Let `script` see each request first."""
        self.scripts.append(script)

    def answer(self, request: Request) -> Reply:
        with self.lock:
            self.requests.append(request)
        for script in list(self.scripts):
            reply = script(request)
            if reply is not None:
                return reply
        content = self.objects.get(request.path.partition("?")[0].lstrip("/"))
        if content is None:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        return self.serve(request, content)

    def serve(self, request: Request, content: bytes) -> Reply:
        """The honest answer: S3's."""
        etag = {"ETag": f'"{hashlib.md5(content).hexdigest()}"'}
        condition = request.headers.get("if-range", etag["ETag"])
        if not self.ranges or request.span is None or condition != etag["ETag"]:
            return Reply(200, content, etag)
        start, last = request.span
        if start >= len(content):
            return Reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        part = content[start : last + 1]
        told = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        return Reply(206, part, {**etag, "Content-Range": told})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    storage: Storage

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.storage.answer(Request(self.path, headers, self.command))
        if reply.hang and reply.cut is None:
            self._hang()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.length is None:
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            length = len(reply.body) if reply.length < 0 else reply.length
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self._body(reply)

    do_HEAD = do_GET

    def _body(self, reply: Reply) -> None:
        body = reply.body if reply.cut is None else reply.body[: reply.cut]
        for at in range(0, len(body), 1 << 16):
            block = body[at : at + (1 << 16)]
            self.wfile.write(block)
            with self.storage.lock:
                self.storage.sent += len(block)
            if self.storage.pace and self.storage.over.wait(self.storage.pace):
                break
        self.wfile.flush()
        if reply.hang:
            self._hang()
        if reply.reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if reply.cut is not None:
            self.close_connection = True

    def _hang(self) -> None:
        self.storage.over.wait(30)
        self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True
            with self.storage.lock:
                self.storage.abandoned += 1

    def finish(self) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 300

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[Storage]:
    """A storage that listens on loopback, over TLS with `context`."""
    storage = Storage()
    handler = type("Handler", (_Handler,), {"storage": storage})
    server = _Server(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "https" if context else "http"
    storage.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield storage
    finally:
        storage.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
