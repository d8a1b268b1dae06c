"""The exchange of ID tokens, as a client sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from studio_action.server.api.routes.token_exchange import (
    ACCESS_TOKEN,
    GRANT_TYPE,
    SUBJECT_TOKEN_TYPES,
)
from tests.server.answering import MODELS, Api
from tests.server.token_exchange.trusting import URL, Trusting, trusting

METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trusting]:
    with trusting(tmp_path_factory.mktemp("trusting")) as world:
        yield world


@pytest.fixture(autouse=True)
def forget(world: Trusting) -> None:
    world.calendar.turn(minutes=1)
    world.api.forget()


def given(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["access_token"]
    return text


def resolved(api: Api, token: str, repository: str = MODELS.name) -> int:
    return api.ask("get-download-uris", token, repo=repository).status_code


# The document that says where


def test_metadata(world: Trusting) -> None:
    answer = world.api.send("GET", METADATA)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "issuer": URL,
        "token_endpoint": f"{URL}/api/oauth/token",
        "grant_types_supported": [GRANT_TYPE],
        "scopes_supported": ["model-registry", "project", "audit"],
        "token_endpoint_auth_methods_supported": ["none"],
        "subject_token_types_supported": list(SUBJECT_TOKEN_TYPES),
        "id_token_audience": URL,
        "trusted_issuers": [world.ci.url, world.other.url],
    }


def test_metadata__below_a_sub_path(tmp_path: Path) -> None:
    """RFC 8414, section 3.1, has it before the path of the issuer; most people look behind."""
    url = f"{URL}/studio"
    with trusting(tmp_path, url=url, base_path="/studio") as world:
        root = world.api.address.removesuffix("/studio")
        places = [f"{root}/studio{METADATA}", f"{root}{METADATA}/studio"]
        documents = [world.api.session.get(place, timeout=10).json() for place in places]
        elsewhere = world.api.session.get(f"{root}{METADATA}", timeout=10)

        assert [each["token_endpoint"] for each in documents] == [f"{url}/api/oauth/token"] * 2
        assert elsewhere.status_code == 404
        given(world.exchange(world.job(aud=url)))


# What is given


def test_exchange(world: Trusting) -> None:
    answer = world.exchange(world.job(), requested_token_type=ACCESS_TOKEN)

    text = given(answer)
    assert answer.json() == {
        "access_token": text,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "model-registry project",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert resolved(world.api, text) == 200
    assert resolved(world.api, text, "acme/secret") == 404
    assert world.api.create(text).status_code == 201


def test_exchange__what_the_token_is(world: Trusting) -> None:
    given(world.exchange(world.job(run_id="77", user_email="ada@example.org")))

    token = world.api.services.tokens.all()[-1]
    assert token.name == "github:acme/models:refs/heads/main"
    assert token.teams == {"ml"}
    assert token.issuer == world.ci.url
    assert token.claims is not None
    assert token.claims["run_id"] == "77"
    assert token.claims["ref_protected"] == "true"
    assert "user_email" not in token.claims
    assert world.api.logged()["token_name"] == token.name


@pytest.mark.parametrize("kind", SUBJECT_TOKEN_TYPES)
def test_exchange__a_job_of_gitlab(world: Trusting, kind: str) -> None:
    id_token = world.other.mint(world.other.gitlab_claims(URL))

    text = given(world.exchange(id_token, subject_token_type=kind))

    assert world.api.services.tokens.all()[-1].name == "gitlab:acme/models:refs/heads/main"
    assert resolved(world.api, text, "acme/secret") == 200
    assert world.api.create(text).status_code == 403


def test_exchange__the_first_rule_that_fits(world: Trusting) -> None:
    given(world.exchange(world.job(ref="refs/tags/churn@v1.2.0")))

    token = world.api.services.tokens.all()[-1]
    assert (token.scopes, token.repositories) == ({"model-registry"}, {"acme/models"})


@pytest.mark.parametrize("audience", [[URL], ["models", URL], "models"])
def test_exchange__every_audience_that_is_configured(world: Trusting, audience: Any) -> None:
    given(world.exchange(world.other.mint(world.other.gitlab_claims(audience))))


def test_exchange__fewer_scopes(world: Trusting) -> None:
    answer = world.exchange(world.job(), scope="model-registry")

    assert answer.json()["scope"] == "model-registry"
    assert world.api.create(given(answer)).status_code == 403


def test_exchange__for_fifteen_minutes(world: Trusting) -> None:
    text = given(world.exchange(world.job()))
    world.calendar.turn(minutes=14, seconds=59)
    assert resolved(world.api, text) == 200
    world.calendar.turn(seconds=1)
    assert resolved(world.api, text) == 401


def test_exchange__revoked(world: Trusting) -> None:
    text = given(world.exchange(world.job()))
    assert world.api.services.tokens.revoke(text[5:21])
    assert resolved(world.api, text) == 401


def test_exchange__old_tokens_are_deleted(world: Trusting) -> None:
    given(world.exchange(world.job()))
    by_hand = world.api.token(days=0.001)
    world.calendar.turn(days=1, minutes=16)
    given(world.exchange(world.job()))

    left = world.api.services.tokens.all()
    assert [each.id for each in left if each.issuer is None] == [by_hand[5:21]]
    assert len([each for each in left if each.issuer is not None]) == 1


# What is refused


@pytest.mark.parametrize(
    ("fields", "error", "reason"),
    [
        ({"grant_type": "client_credentials"}, "unsupported_grant_type", "must be urn:ietf"),
        ({"grant_type": ""}, "unsupported_grant_type", "must be urn:ietf"),
        ({"subject_token_type": ACCESS_TOKEN}, "invalid_request", "subject_token_type must be"),
        ({"requested_token_type": "jwt"}, "invalid_request", "requested_token_type must be"),
        ({"actor_token": "x"}, "invalid_request", "actor_token is not supported"),
        ({"audience": "https://x"}, "invalid_target", "are for https://models.example.org"),
        ({"resource": "https://x"}, "invalid_target", "are for https://models.example.org"),
        ({"subject_token": ""}, "invalid_request", "the ID token, is missing"),
        ({"scope": "admin"}, "invalid_scope", "gives only: model-registry project"),
        ({"scope": "model-registry admin"}, "invalid_scope", "gives only"),
        ({"subject_token": ["a", "b"]}, "invalid_request", "given twice"),
    ],
)
def test_refused(world: Trusting, fields: dict[str, Any], error: str, reason: str) -> None:
    before = world.minted()

    answer = world.exchange(world.job(), **fields)

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert reason in answer.json()["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert world.minted() == before


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("", b"grant_type=x"),
        ("application/x-www-form-urlencoded", b"\xff"),
        ("application/x-www-form-urlencoded", b"%ff=1"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 30)),
        ("application/x-www-form-urlencoded", b"no pair"),
        ("application/x-www-form-urlencoded", b""),
    ],
)
def test_refused__another_body(world: Trusting, content_type: str, body: bytes) -> None:
    answer = world.api.send(
        "POST", "/api/oauth/token", data=body, headers={"Content-Type": content_type}
    )

    assert answer.status_code == 400
    assert answer.json().keys() == {"error", "error_description"}


def test_refused__a_scope_does_not_use_the_id_token_up(world: Trusting) -> None:
    id_token = world.job()
    assert world.exchange(id_token, scope="admin").status_code == 400
    given(world.exchange(id_token))


def test_refused__says_nothing_of_the_rules(world: Trusting) -> None:
    text = world.exchange(world.job(repository="evil/models")).text

    assert "repository is evil/models" in text
    assert "acme" not in text
    assert "refs/tags" not in text


def test_refused__counts_for_the_address(tmp_path: Path) -> None:
    """After ten refusals within a minute, a client waits, also with a good ID token."""
    with trusting(tmp_path, now=lambda: 0.0) as world:
        for _ in range(10):
            assert world.exchange("forged").status_code == 400
        throttled = world.exchange(world.job())

    assert throttled.status_code == 429
    assert int(throttled.headers["Retry-After"]) > 0
    assert world.ci.requests.total() == 0


# Issuers that are down


def test_an_issuer_is_down(world: Trusting) -> None:
    given(world.exchange(world.job()))
    world.ci.stop()
    try:
        world.calendar.turn(hours=2)
        given(world.exchange(world.job()))

        world.calendar.turn(hours=23)
        answer = world.exchange(world.job())
    finally:
        world.ci.start()
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0

    world.calendar.turn(minutes=1)
    given(world.exchange(world.job()))


def test_an_issuer_rotates_its_keys(world: Trusting) -> None:
    given(world.exchange(world.job()))
    world.calendar.turn(minutes=1)
    before = world.ci.requests.copy()
    world.ci.rotate("ES256")
    given(world.exchange(world.job()))
    given(world.exchange(world.job()))

    assert (world.ci.requests - before).total() == 2


def test_an_issuer_withdraws_a_key(world: Trusting) -> None:
    """Within an hour nobody can use it any more."""
    withdrawn = world.ci.keys[0]
    given(world.exchange(world.job()))
    world.ci.rotate(keep=False)
    world.calendar.turn(hours=1, seconds=1)

    answer = world.exchange(world.ci.mint(world.claims(), key=withdrawn))

    assert answer.status_code == 400


def test_many_unknown_keys_do_not_make_us_ask(world: Trusting) -> None:
    given(world.exchange(world.job()))
    world.calendar.turn(minutes=1)
    before = world.ci.requests.copy()

    statuses = [
        world.exchange(world.ci.mint(world.claims(), header={"kid": f"k{number}"})).status_code
        for number in range(20)
    ]

    assert statuses == [400] + [503] * 19
    assert (world.ci.requests - before).total() == 2
    given(world.exchange(world.job()))
