"""What a session, a link and a transfer are worth once their token is revoked, expires or loses its
repository, in a server that runs meanwhile.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import update

from studio_action.server.db import database, schema
from tests.gitrepo.repositories import made_at
from tests.server.running import PROGRAM
from tests.server.under_attack.registry import Registry, registry

pytestmark = pytest.mark.servers

SIZE = 64 << 20
"""Bytes that do not fit into what the kernel holds for a client that takes nothing."""
WITHIN = 5.0
"""Seconds within which a revocation takes effect on a busy machine; it is one by itself."""


@contextmanager
def serving(folder: Path, teams: list[str]) -> Iterator[Registry]:
    """A server of one repository of these teams, whose model is in Git and in a folder."""
    weights = folder / "store/files/md5/0a" / ("0a" * 15)
    if not weights.exists():
        weights.parent.mkdir(parents=True)
        with weights.open("wb") as file:
            file.truncate(SIZE)
        made_at(
            folder / "made",
            {
                "dvc.yaml": b"artifacts:\n  m: {path: m}\n",
                "m/readme": b"read me",
                "m/weights.dvc": b"outs: [{path: weights, hash: md5, md5: %s}]" % (b"0a" * 16),
                ".dvc/config": b"[core]\nremote = s\n['remote \"s\"']\nurl = /nowhere\n",
            },
            "m@v1.0.0",
        )
    remotes = {"s": {"url": str(folder / "store")}}
    repository = {"url": str(folder / "made"), "teams": teams, "remotes": remotes}
    folders = {"store": str(folder / "store")}
    with registry(folder, {"acme/models": repository}, folders=folders) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("revocation")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Registry]:
    with serving(folder, ["ml"]) as running:
        yield running


def links(server: Registry, token: str) -> dict[str, str]:
    answer = server.ask("get-download-uris", token, repo="acme/models", name="m")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def status(link: str) -> int:
    with requests.get(link, headers={"Range": "bytes=0-0"}, timeout=60) as answer:
        return answer.status_code


def home(server: Registry, browser: requests.Session) -> requests.Response:
    return browser.get(f"{server.url}/", timeout=60, allow_redirects=False)


@contextmanager
def downloading(link: str) -> Iterator[socket.socket]:
    """A client that asked for a file, got its head, and takes nothing more for now."""
    parts = urlsplit(link)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=60) as client:
        asked = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        client.sendall(asked.encode())
        assert client.recv(13) == b"HTTP/1.1 200 "
        yield client


def rest_of(client: socket.socket) -> int:
    received = 0
    while block := client.recv(1 << 20):
        received += len(block)
    return received


def soon(happened: Callable[[], bool]) -> bool:
    ends = time.monotonic() + WITHIN
    while time.monotonic() < ends:
        if happened():
            return True
        os.sched_yield()
    return False


def test_token__revoked(server: Registry, folder: Path) -> None:
    token, other = server.token(teams=["ml"]), server.token(teams=["ml"])
    browser, found, of_other = server.browser(token), links(server, token), links(server, other)
    assert home(server, browser).status_code == 200
    assert {status(link) for link in found.values()} == {206}

    with downloading(found["m/weights"]) as client:
        command = [PROGRAM, "token", "revoke", token[5:21], "--config", folder / "server.yaml"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=60)

        login = home(server, browser)
        assert (login.status_code, login.headers["location"]) == (303, "/login?next=/")
        assert "Max-Age=0" in login.headers["set-cookie"]
        assert soon(lambda: server.ask("models", token, repo="acme/models").status_code == 401)
        assert soon(lambda: {status(link) for link in found.values()} == {403})
        # What was asked for in time is sent to its end.
        assert rest_of(client) > SIZE

    assert {status(link) for link in of_other.values()} == {206}


def test_token__expired(server: Registry, folder: Path) -> None:
    token = server.token(teams=["ml"])
    browser, found = server.browser(token), links(server, token)

    engine = database.open_engine(f"sqlite:///{folder / 'data/registry.db'}")
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    with database.writing(engine) as connection:
        row = schema.tokens.c.id == token[5:21]
        connection.execute(update(schema.tokens).where(row).values(expires=past))
    engine.dispose()

    assert home(server, browser).status_code == 303
    assert soon(lambda: server.ask("models", token, repo="acme/models").status_code == 401)
    # A link is valid for its hour: a token of fifteen minutes may have asked for a large model.
    assert {status(link) for link in found.values()} == {206}


def test_token__its_team_lost_the_repository(server: Registry, folder: Path) -> None:
    token = server.token(teams=["ml"])
    browser, found = server.browser(token), links(server, token)
    project = requests.post(
        f"{server.url}/api/create-project",
        json={"repo_url": "acme/models", "name": "Plans"},
        headers={"Authorization": f"token {token}"},
        timeout=60,
    ).json()["projects"][0]
    page = project["url"].removeprefix(server.url)
    assert browser.get(f"{server.url}{page}", timeout=60).status_code == 200

    with serving(folder, ["finance"]) as after:
        moved = [link.replace(server.url, after.url) for link in found.values()]

        assert {status(link) for link in moved} == {403}
        assert after.ask("models", token, repo="acme/models").status_code == 404
        assert browser.get(f"{after.url}{page}", timeout=60).status_code == 404
        assert "acme/models" not in home(after, browser).text
