"""Webhooks over real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.server.answering import Api, answering

OF_MODELS = {"repository": {"clone_url": "https://git.example.org/acme/models.git"}}
OF_SECRET = {"project": {"git_ssh_url": "git@git.example.org:acme/secret.git"}}
OF_ANOTHER = {"repository": {"clone_url": "https://git.example.org/acme/another.git"}}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with answering(tmp_path_factory.mktemp("api"), webhook_secret="for-all") as api:
        yield api


@pytest.fixture
def api(running: Api) -> Api:
    running.forget()
    return running


def deliver(api: Api, document: object, secret: str, **headers: str) -> requests.Response:
    """A delivery that is signed with `secret`."""
    body = json.dumps(document).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}
    given |= {name.replace("_", "-"): text for name, text in headers.items()}
    return api.send("POST", "/api/webhook", data=body, headers=given)


def test_webhook__a_push_is_counted(api: Api) -> None:
    answer = deliver(api, OF_MODELS, "for-all")

    assert (answer.status_code, answer.json()) == (202, {"repositories": ["acme/models"]})
    assert api.services.pushes.count("acme/models") == 1
    assert api.services.pushes.count("acme/secret") == 0


def test_webhook__a_repositorys_own_secret(api: Api) -> None:
    assert deliver(api, OF_SECRET, "for-secret").status_code == 202


def test_webhook__gitlabs_token(api: Api) -> None:
    headers = {"X-Gitlab-Token": "for-secret", "Content-Type": "application/json"}

    answer = api.send("POST", "/api/webhook", data=json.dumps(OF_SECRET), headers=headers)

    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("document", "secret"),
    [
        pytest.param(OF_MODELS, "guessed", id="a wrong secret"),
        pytest.param(OF_ANOTHER, "guessed", id="of a repository that is not served"),
        pytest.param({}, "guessed", id="of no repository"),
    ],
)
def test_webhook__without_the_secret_nobody_learns_what_is_served(
    api: Api, document: object, secret: str
) -> None:
    answer = deliver(api, document, secret)

    assert answer.status_code == 403
    assert "acme" not in answer.text
    assert api.services.pushes.count("acme/models") == api.services.pushes.count("acme/secret") == 0


def test_webhook__of_a_repository_that_is_not_served(api: Api) -> None:
    assert deliver(api, OF_ANOTHER, "for-all").status_code == 404


def test_webhook__the_server_s_secret_does_not_tell_of_one_with_its_own(api: Api) -> None:
    served, another = deliver(api, OF_SECRET, "for-all"), deliver(api, OF_ANOTHER, "for-all")

    assert (served.status_code, served.content) == (another.status_code, another.content)
    assert api.services.pushes.count("acme/secret") == 0


@pytest.mark.parametrize("document", [OF_MODELS, {"zen": "Keep it simple."}])
def test_webhook__ping(api: Api, document: object) -> None:
    answer = deliver(api, document, "for-all", X_GitHub_Event="ping")

    assert (answer.status_code, answer.json()) == (200, {"repositories": []})
    assert api.services.pushes.count("acme/models") == 0


def test_webhook__no_secret_at_all(tmp_path: Path) -> None:
    with answering(tmp_path) as api:
        assert deliver(api, OF_MODELS, "").status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_webhook__no_payload(api: Api, body: bytes) -> None:
    assert api.send("POST", "/api/webhook", data=body).status_code == 400
