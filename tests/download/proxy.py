"""A proxy on loopback, for plain requests and for tunnels, that counts what it is asked for."""

from __future__ import annotations

import base64
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Proxy:
    """Where it listens, what it wants to hear first, and the request lines that it got."""

    def __init__(self) -> None:
        self.address = ""
        self.credentials = ""
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def _allowed(self) -> bool:
        self.proxy.asked.append(f"{self.command} {self.path}")
        wanted = base64.b64encode(self.proxy.credentials.encode()).decode()
        given = self.headers.get("Proxy-Authorization", "").removeprefix("Basic ")
        if self.proxy.credentials and given != wanted:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return True

    def do_GET(self) -> None:
        if not self._allowed():
            return
        target = urlsplit(self.path)
        connection = http.client.HTTPConnection(target.netloc)
        try:
            headers = {key: self.headers[key] for key in ("Range",) if key in self.headers}
            connection.request("GET", f"{target.path}?{target.query}", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for key in ("Content-Range", "ETag", "Content-Length"):
                if answer.headers[key] is not None:
                    self.send_header(key, answer.headers[key])
            self.end_headers()
            self.wfile.write(body)
        finally:
            connection.close()

    def do_CONNECT(self) -> None:
        if not self._allowed():
            return
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port))) as upstream:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_relay, args=(upstream, self.connection))
            back.start()
            _relay(self.connection, upstream)
            back.join()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def proxying() -> Iterator[Proxy]:
    """A proxy that listens on loopback."""
    proxy = Proxy()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
