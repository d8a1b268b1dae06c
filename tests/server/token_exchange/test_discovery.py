from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from studio_action.errors import StudioActionError, UnexpectedAnswer, Unreachable
from studio_action.net.network import Network
from studio_action.server.token_exchange.discovery import LARGEST, Discovery
from tests.download.storage import Reply as Dripping
from tests.download.storage import running
from tests.oidc.issuer import DISCOVERY, JWKS, Issuer, Reply, issuer


@pytest.fixture
def ci() -> Iterator[Issuer]:
    with issuer("/path") as made:
        yield made


def failure(ci: Issuer, **replies: Reply) -> StudioActionError:
    paths = {"discovery": ci.path + DISCOVERY, "keys": ci.path + JWKS}
    ci.replies = {paths[name]: reply for name, reply in replies.items()}
    with pytest.raises(StudioActionError) as failed:
        Discovery(Network()).keys(ci.url)
    return failed.value


def test_keys(ci: Issuer) -> None:
    ci.rotate("ES256")

    found = Discovery(Network()).keys(ci.url)

    assert {key.kid for key in found} == {"key-1", "key-2"}
    assert {key.algorithm for key in found} == {"RS256", "ES256"}


def test_keys__one_without_an_algorithm(ci: Issuer) -> None:
    jwk = {name: text for name, text in ci.keys[0].jwk().items() if name != "alg"}
    ci.replies["/path" + JWKS] = ci.answer_with_keys(jwk)

    found = Discovery(Network()).keys(ci.url)

    assert sorted(key.algorithm for key in found) == [
        *("PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
    ]


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ({"discovery": Reply(404)}, "answered 404"),
        ({"discovery": Reply(500)}, "answered 500"),
        ({"discovery": Reply(200, b"<html>")}, "did not answer with JSON"),
        ({"discovery": Reply(200, b"[]")}, "of another issuer"),
        ({"discovery": Reply.json({"issuer": "https://evil.example.org"})}, "of another issuer"),
        ({"discovery": Reply(200, b'{"a":1,"a":2}')}, "did not answer with JSON"),
        ({"discovery": Reply(200, b"[" * 9000)}, "did not answer with JSON"),
        ({"discovery": Reply(200, b" " * (LARGEST + 1))}, "more than 512 KiB"),
        ({"keys": Reply(302, b"", {"Location": "https://evil.example.org/keys"})}, "answered 302"),
        ({"keys": Reply(200, b" " * (LARGEST + 1))}, "more than 512 KiB"),
        ({"keys": Reply(200, b"{}")}, "not a set of keys"),
        ({"keys": Reply.json({"keys": {}})}, "not a set of keys"),
        ({"keys": Reply.json({"keys": [{}] * 101})}, "not a set of keys"),
        ({"keys": Reply.json({"keys": []})}, "no key that can verify"),
        ({"keys": Reply.json({"keys": [{"kty": "oct", "k": "AAAA", "kid": "a"}]})}, "no key that"),
    ],
)
def test_keys__refused(ci: Issuer, replies: dict[str, Reply], reason: str) -> None:
    error = failure(ci, **replies)

    assert isinstance(error, UnexpectedAnswer)
    assert reason in str(error)


@pytest.mark.parametrize(
    "url", [None, 7, "http://evil.example.org/keys", "file:///etc/passwd", "", "//host/keys"]
)
def test_keys__from_where_nobody_should_take_them(ci: Issuer, url: Any) -> None:
    error = failure(ci, discovery=Reply.json({"issuer": ci.url, "jwks_uri": url}))

    assert "names no https jwks_uri" in str(error)


def test_keys__a_redirect_to_itself(ci: Issuer) -> None:
    """Nor is one followed that stays on the same host: no CI system needs it."""
    there = Reply(307, b"", {"Location": ci.url + JWKS})
    assert "answered 307" in str(failure(ci, discovery=there))


def test_keys__nobody_listens(ci: Issuer) -> None:
    ci.stop()
    assert isinstance(failure(ci), Unreachable)


def test_keys__an_answer_that_never_ends() -> None:
    """Each block arrives in time; the whole does not."""
    seconds = iter(range(0, 1000, 4))
    with running() as storage:
        storage.always(lambda _: Dripping(200, b" " * (1 << 18)))
        with pytest.raises(Unreachable, match="more than 10 seconds"):
            Discovery(Network(), lambda: float(next(seconds))).keys(storage.url)
