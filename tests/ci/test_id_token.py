from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.ci import id_token as id_tokens
from studio_action.ci.id_token import GivenIdToken, IdToken, IdTokenRequest
from studio_action.ci.job import Job
from studio_action.ci.platforms import id_token_source, no_id_token_hint
from studio_action.errors import BadInput, StudioActionError, TokenRefused, UnexpectedAnswer

HERE = Path("/somewhere")
GITHUB = "https://token.actions.githubusercontent.com"
AUDIENCE = "https://models.example.org"
VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_URL"


def jwt(payload: object) -> str:
    """A token whose signature nobody could check."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    parts = (b'{"alg":"RS256"}', content, b"signature")
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE, "sts.amazonaws.com"]])
def test_id_token(audience: object) -> None:
    found = IdToken.parse(jwt({"iss": GITHUB, "aud": audience}))

    assert found.issuer == GITHUB
    assert found.audiences[0] == AUDIENCE
    assert "signature" not in repr(found)
    assert found.text not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "isat_no_jwt",
        "a.b",
        "a.b.c",
        jwt(b"\xff"),
        jwt(b"[" * 1000),
        jwt([]),
        jwt({}),
        jwt({"iss": GITHUB}),
        jwt({"iss": 1, "aud": AUDIENCE}),
        jwt({"iss": GITHUB, "aud": {}}),
        jwt({"iss": GITHUB, "aud": AUDIENCE, "x": "y" * 70_000}),
        jwt({"iss": GITHUB, "aud": AUDIENCE}) + "\nX-Header: x",
        jwt({"iss": GITHUB, "aud": AUDIENCE}) + "é",
    ],
)
def test_id_token__none(text: str) -> None:
    with pytest.raises(BadInput, match="STUDIO_ID_TOKEN does not hold an ID token") as caught:
        GivenIdToken.parse(text, "STUDIO_ID_TOKEN", chosen=True)
    assert not text or text not in str(caught.value)


@given(st.text() | st.binary().map(lambda payload: jwt(payload)))
def test_id_token__anything(text: str) -> None:
    with suppress(ValueError):
        assert IdToken.parse(text).text == text


@pytest.mark.parametrize(
    ("url", "requested"),
    [
        ("https://h/idtoken?api-version=2.0", "https://h/idtoken?api-version=2.0&audience=a%26b"),
        ("https://h/idtoken", "https://h/idtoken?audience=a%26b"),
    ],
)
def test_request__has_the_audience(url: str, requested: str) -> None:
    assert IdTokenRequest(url, "x", VARIABLE).url_for("a&b") == requested


@pytest.mark.parametrize("url", ["http://h/idtoken", "ftp://h/", "h", "https://u:p@h/"])
def test_request__unencrypted(url: str) -> None:
    with pytest.raises(BadInput, match=f"{VARIABLE} is not an https URL"):
        IdTokenRequest(url, "secret", VARIABLE)


def test_request__shows_no_secret() -> None:
    assert repr(IdTokenRequest("https://h/?s3cret", "s3cret", "URL")).count("s3cret") == 0


ANSWERS = [
    (401, b'{"message": "no"}', TokenRefused),
    (403, b"", TokenRefused),
    (404, b"<html>", UnexpectedAnswer),
    (200, b"<html>", UnexpectedAnswer),
    (200, b"{}", UnexpectedAnswer),
    (200, b'{"value": 1}', UnexpectedAnswer),
    (200, b'{"value": "isat_x"}', UnexpectedAnswer),
]


@pytest.mark.parametrize(("status", "body", "kind"), ANSWERS)
def test_read_answer__no_id_token(status: int, body: bytes, kind: type[StudioActionError]) -> None:
    with pytest.raises(kind, match=f"{VARIABLE} answered {status} without an ID token"):
        id_tokens.read_answer(status, body, VARIABLE)


def test_read_answer() -> None:
    text = jwt({"iss": GITHUB, "aud": AUDIENCE})
    body = json.dumps({"count": 1, "value": text}).encode()
    assert id_tokens.read_answer(200, body, VARIABLE) == IdToken(text, GITHUB, (AUDIENCE,))


TOKEN = jwt({"iss": "https://ci.example.org", "aud": AUDIENCE})
REQUEST = {VARIABLE: "https://h/idtoken", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret"}
SOURCES = [
    ("github", REQUEST, IdTokenRequest("https://h/idtoken", "secret", VARIABLE)),
    ("github", {VARIABLE: "https://h/idtoken"}, None),
    ("github", {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret"}, None),
    ("gitlab", REQUEST, None),
    ("generic", REQUEST, None),
    (
        "circleci",
        {"CIRCLE_OIDC_TOKEN_V2": TOKEN},
        GivenIdToken.parse(TOKEN, "CIRCLE_OIDC_TOKEN_V2", chosen=False),
    ),
    (
        "bitbucket",
        {"BITBUCKET_STEP_OIDC_TOKEN": TOKEN},
        GivenIdToken.parse(TOKEN, "BITBUCKET_STEP_OIDC_TOKEN", chosen=False),
    ),
    ("bitbucket", {"CIRCLE_OIDC_TOKEN_V2": TOKEN}, None),
    ("azure", {"SYSTEM_OIDCREQUESTURI": "https://h/", "SYSTEM_ACCESSTOKEN": "x"}, None),
]


@pytest.mark.parametrize(("system", "environ", "source"), SOURCES)
def test_id_token_source(system: str, environ: dict[str, str], source: object) -> None:
    assert id_token_source(Job(system, HERE), environ) == source


@pytest.mark.parametrize(
    ("system", "hint"),
    [
        ("github", "permissions: id-token: write"),
        ("gitlab", "id_tokens: STUDIO_ID_TOKEN"),
        ("circleci", "circleci run oidc get"),
        ("bitbucket", "oidc: audiences"),
        ("azure", "for Azure alone"),
    ],
)
def test_no_id_token_hint(system: str, hint: str) -> None:
    assert hint in no_id_token_hint(Job(system, HERE))
