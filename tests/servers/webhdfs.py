"""What a Hadoop cluster answers over HTTP to who reads, on loopback.

A stand-in: no package of a real cluster starts in a test. It speaks what Hadoop documents
(https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html): a name node,
which tells of files and sends readers on, and a data node on another port, which has the bytes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

_POLL = 0.05
_TOP = "/webhdfs/v1"


@dataclass
class Hadoop:
    """The cluster. Who it admits, what it was asked, and how its data node fails.

    `requests` are the node's name, the query and the `Authorization` header. Of `faults` one is
    called for each answer of the data node, as long as there are some; what it gives is the status.
    """

    folder: Path
    admits: Callable[[dict[str, str], str], bool] = lambda query, authorization: True
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    faults: deque[Callable[[], int]] = field(default_factory=deque)
    port: int = 0
    data_port: int = 0


def basic(user: str, password: str) -> str:
    """The header of who has a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@contextlib.contextmanager
def webhdfs(folder: Path) -> Iterator[Hadoop]:
    """A cluster that has the files of `folder`."""
    hadoop = Hadoop(folder)
    with contextlib.ExitStack() as stack:
        for name, handler in (("data_port", _DataNode), ("port", _NameNode)):
            listener = stack.enter_context(_Listener(("127.0.0.1", 0), handler))
            listener.hadoop = hadoop
            setattr(hadoop, name, listener.server_port)
            thread = threading.Thread(target=listener.serve_forever, args=(_POLL,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(listener.shutdown)
        yield hadoop


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    hadoop: Hadoop

    def handle_error(self, request: object, client_address: object) -> None:
        """Authenticator that go away are no fault of ours."""


class _Node(BaseHTTPRequestHandler):
    server: _Listener
    name: str

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        authorization = self.headers.get("Authorization", "")
        self.server.hadoop.requests.append((self.name, query, authorization))
        assert parts.path.startswith(_TOP)
        path = unquote(parts.path.removeprefix(_TOP))
        self.answer(query, path, self.server.hadoop.folder / path.lstrip("/"))

    def answer(self, query: dict[str, str], path: str, place: Path) -> None:
        raise NotImplementedError

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def send_json(self, status: int, answer: dict[str, object]) -> None:
        self.send(status, json.dumps(answer).encode(), **{"Content-Type": "application/json"})

    def fail(self, status: int, kind: str) -> None:
        told = {"exception": kind, "javaClassName": f"org.apache.{kind}", "message": kind}
        self.send_json(status, {"RemoteException": told})

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


class _NameNode(_Node):
    name = "name"

    def answer(self, query: dict[str, str], path: str, place: Path) -> None:
        hadoop = self.server.hadoop
        if not hadoop.admits(query, self.headers.get("Authorization", "")):
            self.fail(403, "AccessControlException")
        elif not place.is_file():
            self.fail(404, "FileNotFoundException")
        elif query["op"] == "GETFILESTATUS":
            found = place.stat()
            status = {"length": found.st_size, "type": "FILE", "pathSuffix": ""}
            status |= {"modificationTime": int(found.st_mtime * 1000), "permission": "644"}
            self.send_json(200, {"FileStatus": status})
        elif query["op"] == "OPEN":
            there = f"http://127.0.0.1:{hadoop.data_port}{urlsplit(self.path).path}"
            self.send(307, Location=f"{there}?{urlencode(query)}")
        else:
            self.fail(400, "UnsupportedOperationException")


class _DataNode(_Node):
    name = "data"

    def answer(self, query: dict[str, str], path: str, place: Path) -> None:
        hadoop = self.server.hadoop
        status = hadoop.faults.popleft()() if hadoop.faults else 200
        if status != 200:
            self.fail(status, "IOException")
            return
        with place.open("rb") as file:
            file.seek(int(query.get("offset", 0)))
            self.send(200, file.read(int(query["length"]) if "length" in query else -1))
