from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from studio_action.server.api.webhooks import addresses, is_genuine, is_ping, payload

BODY = b'{"ref": "refs/tags/churn@v1.0.0"}'
SIGNATURE = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"x-hub-signature-256": f"sha256={SIGNATURE}"}, id="GitHub"),
        pytest.param({"x-gitea-signature": SIGNATURE}, id="Gitea"),
        pytest.param({"x-forgejo-signature": SIGNATURE}, id="Forgejo"),
        pytest.param({"x-hub-signature": f"sha256={SIGNATURE}"}, id="Bitbucket"),
        pytest.param(
            {"x-hub-signature": "sha1=0", "x-hub-signature-256": f"sha256={SIGNATURE}"},
            id="GitHub with its old signature",
        ),
        pytest.param({"x-gitlab-token": "s3cret"}, id="GitLab"),
    ],
)
def test_is_genuine__with_the_secret(headers: dict[str, str]) -> None:
    assert is_genuine(headers, BODY, "s3cret")
    assert not is_genuine(headers, BODY, "another")


@pytest.mark.parametrize(
    ("headers", "body", "secret"),
    [
        pytest.param({}, BODY, "s3cret", id="nothing"),
        pytest.param({"x-hub-signature-256": "sha256="}, BODY, "s3cret", id="empty"),
        pytest.param({"x-hub-signature-256": SIGNATURE}, BODY + b" ", "s3cret", id="changed"),
        pytest.param({"x-hub-signature-256": SIGNATURE.upper()}, BODY, "s3cret", id="capitals"),
        pytest.param({"x-hub-signature": "sha1=" + "0" * 40}, BODY, "s3cret", id="SHA-1"),
        pytest.param({"x-hub-signature-256": "é"}, BODY, "s3cret", id="not ASCII"),
        pytest.param({"x-gitlab-token": "s3cre"}, BODY, "s3cret", id="another token"),
        pytest.param({"x-gitlab-token": ""}, BODY, "", id="no secret, no token"),
        pytest.param({"x-gitea-signature": SIGNATURE}, BODY, "", id="no secret"),
    ],
)
def test_is_genuine__not(headers: dict[str, str], body: bytes, secret: str) -> None:
    assert not is_genuine(headers, body, secret)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            {
                "repository": {
                    "full_name": "acme/models",
                    "clone_url": "https://github.com/acme/models.git",
                    "ssh_url": "git@github.com:acme/models.git",
                    "url": "https://api.github.com/repos/acme/models",
                    "html_url": "https://github.com/acme/models",
                    "parent": {"clone_url": "https://github.com/other/models.git"},
                }
            },
            [
                "acme/models",
                "https://github.com/acme/models.git",
                "git@github.com:acme/models.git",
                "https://github.com/acme/models",
                "https://api.github.com/repos/acme/models",
            ],
            id="GitHub",
        ),
        pytest.param(
            {
                "project": {
                    "path_with_namespace": "acme/sub/models",
                    "git_http_url": "https://gitlab.example.org/acme/sub/models.git",
                    "git_ssh_url": "git@gitlab.example.org:acme/sub/models.git",
                },
                "repository": {"homepage": "https://gitlab.example.org/acme/sub/models"},
            },
            [
                "https://gitlab.example.org/acme/sub/models",
                "https://gitlab.example.org/acme/sub/models.git",
                "git@gitlab.example.org:acme/sub/models.git",
            ],
            id="GitLab",
        ),
        pytest.param(
            {
                "repository": {
                    "full_name": "acme/models",
                    "links": {"html": {"href": "https://bitbucket.org/acme/models"}},
                }
            },
            ["acme/models", "https://bitbucket.org/acme/models"],
            id="Bitbucket",
        ),
        pytest.param(
            {
                "repository": {
                    "links": {
                        "clone": [
                            {"href": "https://git.example.org/scm/acme/models.git"},
                            {"href": "ssh://git@git.example.org:7999/acme/models.git"},
                        ]
                    }
                }
            },
            [
                "https://git.example.org/scm/acme/models.git",
                "ssh://git@git.example.org:7999/acme/models.git",
            ],
            id="Bitbucket Data Center",
        ),
        pytest.param({}, [], id="nothing"),
        pytest.param(
            {"repository": {"full_name": 1, "url": None, "links": [1], "ssh_url": "\0"}},
            [],
            id="nonsense",
        ),
        pytest.param({"repository": "x", "project": [1]}, [], id="no objects"),
    ],
)
def test_addresses(document: dict[str, Any], expected: list[str]) -> None:
    assert [str(each) for each in addresses(document)] == expected


def test_payload__in_a_form() -> None:
    body = urlencode({"payload": json.dumps({"zen": "é"})}).encode()

    assert payload("application/x-www-form-urlencoded; charset=utf-8", body) == {"zen": "é"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"a":' * 100_000])
def test_payload__none(body: bytes) -> None:
    with pytest.raises(ValueError):
        payload("application/json", body)


@pytest.mark.parametrize(
    ("headers", "ping"),
    [
        ({"x-github-event": "ping"}, True),
        ({"x-event-key": "diagnostics:ping"}, True),
        ({"x-github-event": "push"}, False),
        ({}, False),
    ],
)
def test_is_ping(headers: dict[str, str], ping: bool) -> None:
    assert is_ping(headers) is ping
