"""A webhook that is sent again and again makes the server read the repository no more often."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
import requests

from tests.gitrepo.repositories import committed, git, made_at
from tests.server.running import started, token_of
from tests.servers.git import GitServer, git_server

pytestmark = pytest.mark.servers

SECRET = "for-webhooks"
BODY = json.dumps({"repository": {"full_name": "acme/models"}}).encode()
SIGNATURE = "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
DELIVERY = {"X-Hub-Signature-256": SIGNATURE, "Content-Type": "application/json"}


def test_webhook__is_replayed(tmp_path: Path) -> None:
    (tmp_path / "webhook").write_text(SECRET)
    checkout = made_at(tmp_path / "checkout", {"dvc.yaml": b"artifacts: {}"}, "m@v1.0.0")
    git(tmp_path, "clone", "--quiet", "--bare", "checkout", "served/m.git")
    with (
        git_server(tmp_path / "served") as upstream,
        started(
            tmp_path,
            webhook_secret={"file": "webhook"},
            requests_per_minute=1_000_000,
            repositories=[{"name": "acme/models", "url": f"{upstream.url}/m.git", "refresh": "1h"}],
        ) as server,
        requests.Session() as client,
    ):
        client.headers["Authorization"] = f"token {token_of(tmp_path)}"
        assert versions(client, server.url) == {"v1.0.0"}
        committed(checkout, {}, "m@v1.1.0")
        git(checkout, "push", "--quiet", "--mirror", str(tmp_path / "served/m.git"))
        before = fetches(upstream)

        for count in range(1000):
            answer = client.post(f"{server.url}/api/webhook", BODY, headers=DELIVERY, timeout=10)
            assert answer.status_code == 202
            if count % 20 == 0:
                assert versions(client, server.url) == {"v1.0.0", "v1.1.0"}

        assert fetches(upstream) == before + 1


def fetches(upstream: GitServer) -> int:
    return sum("info/refs" in path for path, _ in upstream.requests)


def versions(client: requests.Session, url: str) -> set[str]:
    address = f"{url}/api/model-registry/models?repo=acme/models"
    (model,) = client.get(address, timeout=10).json()["models"]
    return {version["version"] for version in model["versions"]}
