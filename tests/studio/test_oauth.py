from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from studio_action.ci.id_token import IdToken
from studio_action.errors import (
    BadInput,
    StudioActionError,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.net.http_client import Response
from studio_action.studio import oauth
from studio_action.studio.oauth import AccessToken, AuthorizationServer

BASE = "https://models.example.org/studio/"
URL = BASE + oauth.SERVER_DOCUMENT
GITHUB = "https://token.actions.githubusercontent.com"
DOCUMENT: Mapping[str, object] = {
    "issuer": "https://models.example.org/studio",
    "token_endpoint": "https://models.example.org/studio/api/oauth/token",
    "grant_types_supported": [oauth.TOKEN_EXCHANGE],
    "scopes_supported": ["model-registry", "project"],
    "id_token_audience": "https://models.example.org/studio",
    "trusted_issuers": [GITHUB],
}
SERVER = AuthorizationServer(
    BASE,
    "https://models.example.org/studio/api/oauth/token",
    "https://models.example.org/studio",
    ("model-registry", "project"),
    (GITHUB,),
)
ID_TOKEN = IdToken("a.b.c", GITHUB, (SERVER.audience,))


def response(status: int, content: object = b"") -> Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Response(status, URL, {}, body)


def test_read_server() -> None:
    assert oauth.read_server(response(200, DOCUMENT), BASE) == SERVER


def test_read_server__what_may_be_missing() -> None:
    least = {k: v for k, v in DOCUMENT.items() if not k.endswith(("_supported", "_issuers"))}
    found = oauth.read_server(
        response(200, {**least, "grant_types_supported": [1, oauth.TOKEN_EXCHANGE]}), BASE
    )
    assert (found.scopes, found.trusted_issuers) == ((), ())


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (404, b"<html><title>Not found</title>"),
        (404, {"detail": "Not found."}),
        (200, {**DOCUMENT, "grant_types_supported": ["authorization_code"]}),
        (200, {**DOCUMENT, "grant_types_supported": oauth.TOKEN_EXCHANGE}),
        (200, {}),
    ],
)
def test_read_server__offers_none(status: int, content: object) -> None:
    with pytest.raises(BadInput, match=r"input token is missing, and .* does not exchange"):
        oauth.read_server(response(status, content), BASE)


NOT_THE_SERVERS = [
    (500, b"", Unreachable),
    (429, b"", Unreachable),
    (403, {"detail": "no"}, UnexpectedAnswer),
    (200, b"<html><title>Log in</title>", UnexpectedAnswer),
    (200, [], UnexpectedAnswer),
    (200, b"[" * 100_000, UnexpectedAnswer),
    (200, {**DOCUMENT, "token_endpoint": "https://evil.example/token"}, UnexpectedAnswer),
    (200, {**DOCUMENT, "token_endpoint": "http://models.example.org/token"}, UnexpectedAnswer),
    (200, {**DOCUMENT, "token_endpoint": "/api/oauth/token"}, UnexpectedAnswer),
    (200, {**DOCUMENT, "token_endpoint": None}, UnexpectedAnswer),
    (200, {**DOCUMENT, "id_token_audience": "sts.amazonaws.com"}, UnexpectedAnswer),
    (200, {**DOCUMENT, "id_token_audience": "https://vault.example.org"}, UnexpectedAnswer),
    (200, {**DOCUMENT, "id_token_audience": [SERVER.audience]}, UnexpectedAnswer),
    (200, {**DOCUMENT, "id_token_audience": "https://x\n::error::y"}, UnexpectedAnswer),
]


@pytest.mark.parametrize(("status", "content", "kind"), NOT_THE_SERVERS)
def test_read_server__not_its_document(
    status: int, content: object, kind: type[StudioActionError]
) -> None:
    with pytest.raises(kind) as caught:
        oauth.read_server(response(status, content), BASE)
    assert str(caught.value).isprintable()


def test_check_issuer() -> None:
    oauth.check_issuer(ID_TOKEN, SERVER)
    oauth.check_issuer(IdToken("a.b.c", GITHUB + "/", ()), SERVER)
    oauth.check_issuer(IdToken("a.b.c", "https://x", ()), replace(SERVER, trusted_issuers=()))


@pytest.mark.parametrize("issuer", ["https://evil.example", GITHUB + ".evil.example", "", "x\ny"])
def test_check_issuer__not_trusted(issuer: str) -> None:
    with pytest.raises(TokenRefused, match=f"does not trust.*It trusts {GITHUB}") as caught:
        oauth.check_issuer(IdToken("a.b.c", issuer, (SERVER.audience,)), SERVER)
    assert str(caught.value).isprintable()


def test_check_audience() -> None:
    oauth.check_audience(IdToken("a.b.c", GITHUB, ("sts", SERVER.audience)), SERVER, "")


@pytest.mark.parametrize("audiences", [(), ("sts.amazonaws.com",), (SERVER.audience + "/x",)])
def test_check_audience__of_others(audiences: tuple[str, ...]) -> None:
    with pytest.raises(TokenRefused, match=r"is for .*and not for https://models.example.org"):
        oauth.check_audience(IdToken("a.b.c", GITHUB, audiences), SERVER, "")


def test_exchange_form() -> None:
    assert oauth.exchange_form(ID_TOKEN, "project") == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "a.b.c",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "scope": "project",
    }


ANSWER: Mapping[str, object] = {
    "access_token": "isat_short-lived",
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "token_type": "Bearer",
    "expires_in": 900,
    "scope": "model-registry",
}


def test_read_access_token() -> None:
    found = oauth.read_access_token(response(200, ANSWER), ID_TOKEN, SERVER)

    assert found == AccessToken("isat_short-lived", 900, ("model-registry",))
    assert "isat_short-lived" not in repr(found)


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        [],
        {},
        {**ANSWER, "token_type": "DPoP"},
        {**ANSWER, "access_token": ""},
        {**ANSWER, "access_token": "two words"},
        {**ANSWER, "access_token": "line\nbreak"},
        {**ANSWER, "access_token": "x" * 20_000},
        {**ANSWER, "expires_in": "900"},
        {**ANSWER, "expires_in": 0},
        {**ANSWER, "expires_in": -1},
    ],
)
def test_read_access_token__none(content: object) -> None:
    with pytest.raises(UnexpectedAnswer, match="answered without a token"):
        oauth.read_access_token(response(200, content), ID_TOKEN, SERVER)


REFUSALS = [
    (400, {"error": "invalid_grant", "error_description": "no rule fits"}, TokenRefused, "no rule"),
    (401, {"error": "invalid_client"}, TokenRefused, "invalid_client"),
    (400, {"error": "x", "error_description": "a\n::set-output name=a::b"}, TokenRefused, "400|a"),
    (
        400,
        {
            "error": "invalid_request",
            "error_description": "the ID token was used before: each once",
        },
        TokenRefused,
        "give each command its own, on GitLab under `id_tokens`",
    ),
    (429, {"error": "slow_down"}, Unreachable, "slow_down"),
    (
        503,
        {"error": "temporarily_unavailable", "error_description": "the issuer is down"},
        Unreachable,
        "issuer is down",
    ),
    (502, b"<html>", Unreachable, "502"),
    (404, b"<html>", UnexpectedAnswer, "404"),
    (302, b"", UnexpectedAnswer, "302"),
    (400, {"detail": "?"}, UnexpectedAnswer, "without a reason"),
]


@pytest.mark.parametrize(("status", "content", "kind", "said"), REFUSALS)
def test_read_access_token__refused(
    status: int, content: object, kind: type[StudioActionError], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        oauth.read_access_token(response(status, content), ID_TOKEN, SERVER)
    assert type(caught.value) is kind
    assert str(caught.value).isprintable()
    assert ID_TOKEN.text not in str(caught.value)
