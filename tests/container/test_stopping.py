"""A job that is cancelled: the program is PID 1 of its container, and stops at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.container.engine import Image, answer

SIZE = 100_000_000
CHUNK = bytes(10_000)
DIGEST = "0123456789abcdef0123456789abcdef"
PATIENCE = 60


class TricklingStudio(ThreadingHTTPServer):
    """Studio and storage in one: its only model's only file comes at 100 kB a second."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Trickle)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.flowing = threading.Event()


class Trickle(BaseHTTPRequestHandler):
    server: TricklingStudio

    def do_GET(self) -> None:
        if self.path.startswith("/api/"):
            url = f"{self.server.url}/files/md5/{DIGEST[:2]}/{DIGEST[2:]}"
            body = json.dumps({"models/big.bin": url}).encode()
            self.head("application/json", len(body))
            self.wfile.write(body)
            return
        self.head("application/octet-stream", SIZE)
        with suppress(OSError):  # whoever was stopped does not read on
            for _ in range(SIZE // len(CHUNK)):
                self.wfile.write(CHUNK)
                self.server.flowing.set()
                time.sleep(0.1)

    def head(self, content: str, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def trickling_studio() -> Iterator[TricklingStudio]:
    with TricklingStudio() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("signal", "code"),
    [pytest.param("TERM", 143, id="SIGTERM"), pytest.param("INT", 130, id="SIGINT")],
)
def test_stopping__ends_within_two_seconds_without_a_file(
    image: Image, owned_workspace: Path, signal: str, code: int
) -> None:
    with trickling_studio() as studio:
        environ = {
            "DVC_STUDIO_URL": studio.url,
            "DVC_STUDIO_TOKEN": "isat_token",
            "STUDIO_ACTION_REPO": "acme/models",
            "STUDIO_ACTION_MODEL": "big",
        }
        with image.running("download-model", workspace=owned_workspace, environ=environ) as name:
            assert studio.flowing.wait(PATIENCE), answer("logs", name)
            began = time.monotonic()
            answer("kill", f"--signal={signal}", name)
            status = int(answer("wait", name))
            seconds = time.monotonic() - began

    assert status == code
    assert seconds < 2
    assert [path for path in owned_workspace.iterdir() if path.name != ".studio-action"] == []
