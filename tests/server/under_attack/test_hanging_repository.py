"""A repository whose Git server takes connections and never answers, while others are asked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests import sample
from tests.gitrepo.repositories import sample_at
from tests.server.under_attack.registry import Registry, registry, somebody_else

pytestmark = pytest.mark.servers

SOON = 3.0
"""Seconds that another may have to wait on a busy machine; the pages wait for five."""
VISITORS = 60


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("hanging")
    with socket.create_server(("127.0.0.1", 0), backlog=512) as silent:
        repositories = {
            "acme/models": {
                "url": str(sample_at(folder / "honest.git")),
                "remotes": sample.REMOTES,
            },
            "evil/models": f"http://127.0.0.1:{silent.getsockname()[1]}/evil/models.git",
        }
        with registry(folder, repositories, folders={"objects": str(sample.OBJECTS)}) as server:
            yield server


def test_pages__of_a_repository_that_hangs(running: Registry) -> None:
    own, evil = running.token("acme/models"), running.token("evil/models")
    browser = running.browser(evil)

    def api() -> requests.Response:
        return running.ask("resolve", own, repo="acme/models", name="text-classifier")

    visitor = running.browser(own)

    def page() -> requests.Response:
        return visitor.get(f"{running.url}/", timeout=60)

    def visit(_: int) -> requests.Response:
        return requests.get(f"{running.url}/", cookies=browser.cookies, timeout=60)

    with (
        somebody_else(api) as of_api,
        somebody_else(page) as of_pages,
        ThreadPoolExecutor(VISITORS) as threads,
    ):
        answers = list(threads.map(visit, range(VISITORS)))

    assert {answer.status_code for answer in answers} == {200}
    assert all("The repository is still being read." in answer.text for answer in answers)
    assert max(of_api.waits) < SOON, sorted(of_api.waits)[-5:]
    assert max(of_pages.waits) < SOON, sorted(of_pages.waits)[-5:]
