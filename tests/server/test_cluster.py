"""Three servers over one PostgreSQL behind nginx: clients notice neither that, nor a dead one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from tests.oidc.issuer import Issuer, issuer
from tests.servers.cluster import CONTENT, REPOSITORY, Cluster, Node, cluster
from tests.servers.postgres import Postgres
from tests.servers.process import until_ready

pytestmark = pytest.mark.servers

PER_MINUTE = 400
SOON = 2.0
"""Seconds within which all servers have to know what one was told."""


@pytest.fixture(scope="module")
def ci() -> Iterator[Issuer]:
    with issuer() as started:
        yield started


@pytest.fixture(scope="module")
def three(
    postgres_server: Postgres, ci: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    url = postgres_server.create_database()
    trusted = {
        "issuer": ci.url,
        "rules": [
            {
                "claims": {"repository": REPOSITORY},
                "scopes": ["model-registry"],
                "repositories": [REPOSITORY],
            }
        ],
    }
    with cluster(
        tmp_path_factory.mktemp("cluster"),
        url,
        url="https://models.example.org",
        trusted_issuers=[trusted],
        requests_per_minute=PER_MINUTE,
    ) as running:
        yield running
    postgres_server.drop_database(url)


def ask(url: str, token: str, endpoint: str = "models", **query: str) -> requests.Response:
    address = f"{url}/api/model-registry/{endpoint}"
    headers = {"Authorization": f"token {token}"}
    return requests.get(address, {"repo": REPOSITORY, **query}, headers=headers, timeout=30)


def latest(node: Node, token: str) -> str:
    return str(ask(node.url, token, "resolve", name="m").json()["version"])


def soon(true: object) -> bool:
    """Whether it becomes true in time."""
    assert callable(true)
    patience = time.monotonic() + SOON
    while time.monotonic() < patience:
        if true():
            return True
        time.sleep(0.05)  # of other processes: no clock of ours tells when
    return False


def test_link__of_one_is_served_by_the_others(three: Cluster) -> None:
    token, _ = three.token()
    first, *others = three.nodes
    (link,) = ask(first.url, token, "get-download-uris", name="m").json().values()
    parts = urlsplit(link)

    for each in others:
        found = requests.get(f"{each.url}{parts.path}?{parts.query}", timeout=30)

        assert (found.status_code, found.content) == (200, CONTENT)


def test_token__revoked_is_refused_by_all(three: Cluster) -> None:
    text, token = three.token()
    assert [ask(node.url, text).status_code for node in three.nodes] == [200] * 3

    three.revoke(token)

    assert soon(lambda: [ask(node.url, text).status_code for node in three.nodes] == [401] * 3)


def test_webhook__is_heard_by_all(three: Cluster) -> None:
    token, _ = three.token()
    for node in three.nodes:
        assert latest(node, token) == latest(node, token) == "v0.0.0"
    three.push("v1.0.0")

    assert three.webhook(three.nodes[0]) == 202

    assert soon(lambda: all(latest(node, token) == "v1.0.0" for node in three.nodes))


def test_id_token__counts_once_wherever_it_is_shown(three: Cluster, ci: Issuer) -> None:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": ci.mint(
            ci.github_claims(audience="https://models.example.org", repository=REPOSITORY)
        ),
    }

    def exchanged(node: Node) -> int:
        return requests.post(f"{node.url}/api/oauth/token", form, timeout=30).status_code

    with ThreadPoolExecutor(3) as threads:
        statuses = list(threads.map(exchanged, three.nodes))

    assert sorted(statuses) == [200, 400, 400]


def test_rate_limit__is_one_for_all(three: Cluster) -> None:
    token, _ = three.token()
    first, *others = three.nodes

    with ThreadPoolExecutor(4) as threads:
        asked = list(threads.map(lambda _: ask(first.url, token).status_code, range(PER_MINUTE)))

    assert set(asked) == {200}
    assert soon(lambda: [ask(node.url, token).status_code for node in others] == [429] * 2)


def test_killed__no_request_of_a_client_that_retries_is_lost(three: Cluster) -> None:
    tokens = [three.token()[0] for _ in range(4)]
    ended = threading.Event()

    def client(token: str) -> int:
        """How many answers it had, by way of nginx."""
        count = 0
        while not ended.is_set():
            for pause in (0, 0.1, 0.2, 0.4, 0.8, 1.6):  # as a client does, but in less time
                ended.wait(pause)
                try:
                    answer = ask(three.url, token, "resolve", name="m")
                except requests.ConnectionError:  # broke off while it was sent
                    continue
                if answer.status_code == 200:
                    count += 1
                    break
                assert answer.status_code in (502, 503, 504), answer.text
            else:
                raise AssertionError("a request was lost")
            ended.wait(0.05)  # far below the limit of requests
        return count

    with ThreadPoolExecutor(4) as threads:
        clients = [threads.submit(client, token) for token in tokens]
        try:
            for node in three.nodes:
                node.kill()
                node.start()
                until_ready(f"{node.url}/readyz")
        finally:
            ended.set()
        counts = [each.result() for each in clients]

    assert min(counts) > 3
