"""Git over HTTP: the real `git http-backend` behind a small server, with a password if need be."""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

_POLL = 0.05


@dataclass(slots=True)
class GitServer:
    """Where the repositories of a folder are served, and what the server was asked."""

    url: str
    folder: Path
    password: str = field(default="", repr=False)
    """Of any user; '' opens the server to all."""
    old: bool = False
    """Whether it knows the protocol of before 2018 only."""
    script: deque[int | str] = field(default_factory=deque)
    """Given instead of the server's own answers, one each: a status, or where to redirect to."""
    before: Callable[[], object] = lambda: None
    """Called before each answer, e.g. to wait."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Paths with their query, and header lines by lower-case name."""

    def admits(self, authorization: str) -> bool:
        """Whether a request with this header may pass."""
        if not self.password:
            return True
        kind, _, encoded = authorization.partition(" ")
        user_and_password = base64.b64decode(encoded).decode() if kind == "Basic" else ""
        return user_and_password.partition(":")[2] == self.password

    @property
    def users(self) -> set[str]:
        """The user names that were sent."""
        sent = [headers.get("authorization", "") for _, headers in self.requests]
        decoded = [base64.b64decode(each.partition(" ")[2]).decode() for each in sent if each]
        return {each.partition(":")[0] for each in decoded}


@contextlib.contextmanager
def git_server(
    folder: Path, *, password: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[GitServer]:
    """The bare repositories in `folder` over HTTP on loopback, as `URL/NAME.git`."""
    with _Listener(("127.0.0.1", 0), _Handler) as listener:
        if tls:
            listener.socket = tls.wrap_socket(listener.socket, server_side=True)
        scheme = "https" if tls else "http"
        address = f"{scheme}://127.0.0.1:{listener.server_port}"
        listener.git = GitServer(address, folder, password)
        thread = threading.Thread(target=listener.serve_forever, args=(_POLL,), daemon=True)
        thread.start()
        try:
            yield listener.git
        finally:
            listener.shutdown()
            thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    git: GitServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Authenticator that go away, or do not trust our certificate, are no fault of ours."""


class _Handler(BaseHTTPRequestHandler):
    """Hands each request to a `git http-backend` of its own, as CGI."""

    server: _Listener

    def _handle(self) -> None:
        git = self.server.git
        headers = {name.lower(): value for name, value in self.headers.items()}
        git.requests.append((self.path, headers))
        body = self.rfile.read(int(headers.get("content-length", 0)))
        git.before()
        if git.script:
            self._end(git.script.popleft())
        elif git.admits(headers.get("authorization", "")):
            self._answer(self._backend(headers, body))
        else:
            self._end(401)

    do_GET = do_POST = _handle

    def _backend(self, headers: dict[str, str], body: bytes) -> bytes:
        parts = urlsplit(self.path)
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.git.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROTOCOL": "" if self.server.git.old else headers.get("git-protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        }
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        # If it fails, what it has said until then is the answer.
        done = subprocess.run(command, input=body, env=variables, capture_output=True, check=False)
        return done.stdout

    def _answer(self, cgi: bytes) -> None:
        head, _, content = cgi.partition(b"\r\n\r\n")
        headers = BytesParser().parsebytes(head)
        self.send_response(int((headers.get("Status") or "200").split()[0]))
        for name, value in headers.items():
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _end(self, answer: int | str) -> None:
        self.send_response(302 if isinstance(answer, str) else answer)
        if isinstance(answer, str):
            self.send_header("Location", answer)
        if answer == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="Git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what was asked is in `requests`."""
