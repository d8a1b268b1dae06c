"""What a server lacks for a while costs its clients a 503, and nobody anything that was stored."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.gitrepo.repositories import committed, git, made_at
from tests.server.running import Running, started, token_of
from tests.servers.git import git_server
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.servers

SOON = 1.0
LATER = 20.0
"""Seconds within which everything is well again."""


@dataclass
class Client:
    """A client with a token; `repository` is a checkout of what is served."""

    url: str
    repository: Path
    token: str = field(repr=False)

    def get(self, path: str) -> requests.Response:
        return self._sent("GET", path)

    def create(self, name: str) -> requests.Response:
        """Ask for a project: the answer is 201, or 200 if it is there already."""
        fields = {"repo_url": "https://git.example.org/acme/models.git", "subdir": name}
        return self._sent("POST", "/api/create-project", json=fields)

    def versions(self) -> set[str]:
        answer = self.get("/api/model-registry/models?repo=acme/models")
        assert answer.status_code == 200, answer.text
        (model,) = answer.json()["models"]
        return {version["version"] for version in model["versions"]}

    def release(self, version: str) -> None:
        """Push a new version to the repository."""
        committed(self.repository, {}, f"m@{version}")
        git(self.repository, "push", "--quiet", "--mirror", str(upstream(self.repository)))

    def _sent(self, method: str, path: str, **more: object) -> requests.Response:
        headers = {"Authorization": f"token {self.token}"}
        return requests.request(method, self.url + path, headers=headers, timeout=60, **more)  # type: ignore[arg-type]


def upstream(checkout: Path) -> Path:
    return checkout.parent / "served/m.git"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one version of a model; what is served is beside it."""
    made = made_at(tmp_path / "checkout", {"dvc.yaml": b"artifacts: {}"}, "m@v1.0.0")
    git(tmp_path, "clone", "--quiet", "--bare", "checkout", "served/m.git")
    return made


@contextmanager
def serving(checkout: Path, **entries: object) -> Iterator[tuple[Running, Client]]:
    folder, database_url = checkout.parent, str(entries.get("database_url", ""))
    entry = {
        "name": "acme/models",
        "url": str(upstream(checkout)),
        "aliases": ["https://git.example.org/acme/models.git"],
        "refresh": "1s",
    }
    own = {"repositories": [entry], "requests_per_minute": 1_000_000}
    with started(folder, **{**own, **entries}) as server:  # type: ignore[arg-type]
        yield server, Client(server.url, checkout, token_of(folder, database_url))


def assert_retryable(answer: requests.Response) -> None:
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "10"), answer.text


def until_well(call: object) -> None:
    """Wait until it no longer raises."""
    patience = time.monotonic() + LATER
    while True:
        try:
            call()  # type: ignore[operator]
            return
        except AssertionError:
            if time.monotonic() > patience:
                raise


def test_postgresql__stops_and_starts(checkout: Path, postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    with serving(checkout, database_url=url) as (_, client):
        assert client.versions() == {"v1.0.0"}
        assert client.create("churn").status_code == 201
        postgres_server.kill()
        try:
            with ThreadPoolExecutor(30) as threads:
                began = time.monotonic()
                answers = list(threads.map(client.create, map(str, range(30))))
                seconds = time.monotonic() - began
            for answer in answers:
                assert_retryable(answer)
            assert seconds < LATER
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
        finally:
            postgres_server.start()

        assert client.versions() == {"v1.0.0"}
        assert client.create("churn").status_code == 200
        assert client.create("another").status_code == 201
        assert client.get("/readyz").status_code == 200
    postgres_server.drop_database(url)


def test_sqlite__is_locked(checkout: Path) -> None:
    with serving(checkout) as (_, client):
        assert client.create("churn").status_code == 201
        assert client.versions() == {"v1.0.0"}
        slowest = 0.0
        with locked(checkout.parent / "data/registry.db"), ThreadPoolExecutor(14) as threads:
            writers = [threads.submit(client.create, str(each)) for each in range(14)]
            while not all(each.done() for each in writers):
                began = time.monotonic()
                assert client.get("/readyz").status_code == 200
                assert client.versions() == {"v1.0.0"}
                slowest = max(slowest, time.monotonic() - began)
            for writer in writers:
                assert_retryable(writer.result())

        assert slowest < SOON
        assert client.create("churn").status_code == 200
        assert client.create("0").status_code == 201


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process, for SQLite any other connection, is about to write."""
    with sqlite3.connect(database, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    connection.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB, if this user may mount one."""
    folder = tmp_path / "data"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_disk__is_full(checkout: Path, small_disk: Path) -> None:
    with serving(checkout, workers=2) as (server, client):
        assert client.versions() == {"v1.0.0"}
        assert client.create("churn").status_code == 201
        filling = small_disk / "filling"
        fill(filling)
        client.release("v1.1.0")

        answers = [client.create(str(each)) for each in range(3)]
        for answer in answers:
            assert_retryable(answer)
        while not said(server, "the state of a mirror cannot be saved"):
            assert client.versions() == {"v1.0.0"}
        for path in ("/healthz", "/docs", "/api/docs", "/projects", "/metrics", "/files/x", "/x"):
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                assert requests.request(method, client.url + path, timeout=10).status_code < 500

        filling.unlink()
        until_well(lambda: assert_equal(client.versions(), {"v1.0.0", "v1.1.0"}))
        assert client.create("churn").status_code == 200
        assert client.create("0").status_code == 201
        assert not said(server, "a worker ended by itself")
        assert not said(server, "internal error while handling a request")
    with serving(checkout) as (_, client):
        assert client.versions() == {"v1.0.0", "v1.1.0"}
        assert client.create("churn").status_code == 200


def said(server: Running, message: str) -> bool:
    return any(line["message"] == message for line in server.lines)


def assert_equal(one: object, other: object) -> None:
    assert one == other


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def test_two_servers__in_one_folder(checkout: Path) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(serving(checkout))
        other = stack.enter_context(serving(checkout))
        clients = [one[1], other[1]]
        with ThreadPoolExecutor(16) as threads:
            found = list(threads.map(lambda each: clients[each % 2].versions(), range(16)))
            created = list(threads.map(lambda each: clients[each % 2].create("churn"), range(16)))
        assert found == [{"v1.0.0"}] * 16
        assert Counter(each.status_code for each in created) == {200: 15, 201: 1}
        assert len({each.json()["projects"][0]["id"] for each in created}) == 1

        one[0].kill()
        clients[1].release("v1.1.0")
        until_well(lambda: assert_equal(clients[1].versions(), {"v1.0.0", "v1.1.0"}))
        assert clients[1].create("churn").status_code == 200


def test_killed__while_it_fetches_and_writes(checkout: Path) -> None:
    created: list[str] = []
    fetching, killed = threading.Event(), threading.Event()

    def hold() -> None:
        fetching.set()
        killed.wait(LATER)

    with git_server(checkout.parent / "served") as git_host:
        entry = {
            "name": "acme/models",
            "url": f"{git_host.url}/m.git",
            "aliases": ["https://git.example.org/acme/models.git"],
            "refresh": "1s",
        }
        with serving(checkout, repositories=[entry]) as (server, client):
            assert client.versions() == {"v1.0.0"}
            client.release("v1.1.0")

            def write() -> None:
                with suppress(requests.ConnectionError):
                    for each in range(1000):
                        if client.create(str(each)).status_code == 201:
                            created.append(str(each))

            writer = threading.Thread(target=write)
            writer.start()
            until_well(lambda: assert_equal(len(created) > 5, True))
            git_host.before = hold
            asking = threading.Thread(target=ask_until_refused, args=(client,))
            asking.start()
            assert fetching.wait(LATER)
            server.kill()
            killed.set()
            writer.join()
            asking.join()
        git_host.before = lambda: None

        with serving(checkout, repositories=[entry]) as (_, again):
            client.url = again.url
            assert client.versions() == {"v1.0.0", "v1.1.0"}
            assert created
            assert {client.create(each).status_code for each in created[-20:]} == {200}
            assert client.create("after").status_code == 201


def ask_until_refused(client: Client) -> None:
    with suppress(requests.ConnectionError):
        while True:
            client.get("/api/model-registry/models?repo=acme/models")
