"""The server as a process: how it starts, and above all how it stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from studio_action.server import links
from studio_action.server.db import database
from studio_action.server.db.keys import SigningKeys
from studio_action.server.db.tokens import Tokens
from studio_action.server.links import Grant, InFolder
from tests.server.running import PATIENCE, PROGRAM, Running, command_of, started, until

SIZE = 200 << 20
"""Bytes that do not fit into what the kernel holds for a client that takes nothing."""


def test_serve__says_where_it_listens(tmp_path: Path) -> None:
    with started(tmp_path, base_path="/studio") as server:
        assert urlsplit(server.url).path == "/studio"
        for address in (server.url, root(server)):
            assert requests.get(f"{address}/healthz", timeout=10).status_code == 200
            assert requests.get(f"{address}/readyz", timeout=10).status_code == 200

        server.process.terminate()

        assert server.end() == 0
        assert not server.other


@pytest.mark.parametrize(
    ("trusted", "client"),
    [(["127.0.0.0/8"], "192.0.2.7"), ([], "127.0.0.1")],
    ids=["by a proxy that is trusted", "by anybody else"],
)
def test_serve__an_address_that_is_forwarded(
    tmp_path: Path, trusted: list[str], client: str
) -> None:
    with started(tmp_path, trusted_proxies=trusted) as server:
        forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        requests.get(f"{server.url}/healthz", headers=forwarded, timeout=10)

        assert server.wait_for("request")["client"] == client


def root(server: Running) -> str:
    return f"http://{urlsplit(server.url).netloc}"


@pytest.mark.parametrize(
    ("workers", "signum"),
    [(1, signal.SIGTERM), (2, signal.SIGINT)],
    ids=["one process, SIGTERM", "two workers, SIGINT"],
)
def test_stop__a_running_download_is_finished(tmp_path: Path, workers: int, signum: int) -> None:
    with started(tmp_path, workers=workers) as server, downloading(tmp_path, server) as client:
        server.process.send_signal(signum)
        server.wait_for("stopping", workers)
        assert until(lambda: is_refused(server))

        assert rest_of(client) == SIZE

        assert server.end() == 0
        assert server.wait_for("request")["complete"]


@pytest.mark.parametrize("workers", [1, 2], ids=["one process", "two workers"])
def test_stop__a_second_signal_ends_it_at_once(tmp_path: Path, workers: int) -> None:
    with started(tmp_path, workers=workers) as server, downloading(tmp_path, server) as client:
        pids = server.workers
        server.process.terminate()
        server.wait_for("stopping", workers)

        server.process.terminate()

        assert server.end() == 143
        assert until(lambda: not any(map(command_of, pids)))
        assert rest_of(client) < SIZE


@pytest.mark.parametrize("workers", [1, 2], ids=["one process", "two workers"])
def test_stop__what_is_not_finished_in_time_is_given_up(tmp_path: Path, workers: int) -> None:
    with (
        started(tmp_path, workers=workers, grace="1s") as server,
        downloading(tmp_path, server) as client,
    ):
        server.process.terminate()

        assert server.end() == 0
        assert rest_of(client) < SIZE


def test_stop__it_still_answers_while_others_take_over(tmp_path: Path) -> None:
    with started(tmp_path, drain="1s") as server, requests.Session() as session:
        server.process.terminate()
        server.wait_for("stopping")

        ready = session.get(f"{server.url}/readyz", timeout=10)
        alive = session.get(f"{server.url}/healthz", timeout=10)

        assert (ready.status_code, ready.json()["status"]) == (503, "stopping")
        assert (alive.status_code, alive.headers["connection"]) == (200, "close")
        assert server.end() == 0


def test_stop__nothing_is_left_behind(tmp_path: Path) -> None:
    with started(tmp_path, workers=2) as server:
        requests.get(f"{server.url}/healthz", timeout=10)
        server.process.terminate()
        server.end()

    assert sorted(each.name for each in (tmp_path / "data").iterdir()) == ["mirrors", "registry.db"]


def test_restart__after_it_was_killed_links_are_still_good(tmp_path: Path) -> None:
    with started(tmp_path, workers=2) as server:
        (tmp_path / "models/churn.pkl").write_bytes(b"churn")
        link = link_to(tmp_path, "", "churn.pkl")
        assert requests.get(server.url + link, timeout=10).content == b"churn"
        server.kill()

    with started(tmp_path, workers=2) as server:
        assert requests.get(server.url + link, timeout=10).content == b"churn"
        assert len(list((tmp_path / "data").glob("metrics-*"))) == 1


def test_workers__end_when_their_parent_was_killed(tmp_path: Path) -> None:
    with started(tmp_path, workers=2) as server:
        requests.get(f"{server.url}/healthz", timeout=10)
        pids = server.workers
        assert len(pids) == 2

        server.kill()

        assert until(lambda: not any(map(command_of, pids)))


def test_workers__one_that_ends_is_replaced(tmp_path: Path) -> None:
    with started(tmp_path, workers=2) as server:
        requests.get(f"{server.url}/healthz", timeout=10)
        killed = min(server.workers)

        os.kill(killed, signal.SIGKILL)

        line = server.wait_for("a worker ended by itself")
        assert (line["pid"], line["exit_code"]) == (killed, -signal.SIGKILL)
        assert until(lambda: len(server.workers) == 2)
        for _ in range(5):
            assert requests.get(f"{server.url}/healthz", timeout=10).status_code == 200


def test_workers__their_figures_add_up(tmp_path: Path) -> None:
    with started(tmp_path, workers=2, open_metrics=True) as server:
        for _ in range(20):
            assert requests.get(f"{server.url}/healthz", timeout=10).status_code == 200

        text = requests.get(f"{server.url}/metrics", timeout=10).text

        counted = 'studio_action_requests_total{method="GET",route="/healthz",status="200"} 20.0'
        assert counted in text.splitlines()


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        pytest.param(["--port", "TAKEN"], 10, "Address already in use", id="a port that is taken"),
        pytest.param(
            ["--host", "192.0.2.1"], 10, "cannot listen at 192.0.2.1", id="another's host"
        ),
        pytest.param(["--data-dir", "/proc/models"], 16, "cannot be written", id="no data-dir"),
    ],
)
def test_serve__what_cannot_be(tmp_path: Path, said: list[str], code: int, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [
                *(PROGRAM, "serve", "--repository", f"acme/models={tmp_path}"),
                *("--data-dir", str(tmp_path / "data"), "--port", "0"),
                *(port if word == "TAKEN" else word for word in said),
            ],
            env={"PATH": os.environ["PATH"]},
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )

    assert done.returncode == code
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def link_to(folder: Path, base: str, path: str) -> str:
    """A link that the server in this folder has signed."""
    engine = database.open_engine(f"sqlite:///{folder / 'data/registry.db'}")
    now = datetime.now(timezone.utc)
    key = SigningKeys(engine, lambda: now).current()
    _, token = Tokens(engine, lambda: now).create(
        "ci", scopes=["model-registry"], all_repositories=True, expires=None
    )
    engine.dispose()
    return links.sign(base, InFolder("models", path), Grant(token.id, "acme/models"), key, now)


@contextmanager
def downloading(folder: Path, server: Running) -> Iterator[socket.socket]:
    """A client that has asked for a file of `SIZE`, of which it has taken the first byte."""
    (folder / "models/large").touch()
    os.truncate(folder / "models/large", SIZE)
    link = urlsplit(link_to(folder, server.url, "large"))
    assert link.hostname is not None
    with socket.create_connection((link.hostname, link.port or 0), PATIENCE) as client:
        asked = f"GET {link.path}?{link.query} HTTP/1.1\r\nHost: models\r\n\r\n"
        client.sendall(asked.encode())
        assert client.recv(1) == b"H"
        yield client


def rest_of(client: socket.socket) -> int:
    """Bytes of the body that come until the other end closes."""
    received = bytearray(b"H")
    try:
        while block := client.recv(1 << 20):
            received += block
    except ConnectionError:
        pass
    return len(received) - received.index(b"\r\n\r\n") - 4


def is_refused(server: Running) -> bool:
    address = urlsplit(server.url)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname, address.port)) != 0
