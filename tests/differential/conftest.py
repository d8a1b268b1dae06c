"""The real dvc, and the ground on which projects are put: files and Git over loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.differential.programs import Dvc, dvc_in_a_process
from tests.differential.project import Ground
from tests.servers.git import git_server


@pytest.fixture(scope="session")
def dvc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dvc]:
    with dvc_in_a_process(tmp_path_factory.mktemp("dvc")) as process:
        yield process


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class _Web(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that have what they want and go away are no fault of ours."""


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder: Path = tmp_path_factory.mktemp("ground")
    with (
        _Web(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as web,
        git_server(folder) as git,
    ):
        thread = threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield Ground(folder, f"http://127.0.0.1:{web.server_port}", git.url)
        web.shutdown()
        thread.join()
