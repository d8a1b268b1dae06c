"""The issuer of tests says what a real one says: PyJWT's own client reads it."""

from __future__ import annotations

from collections.abc import Iterator

import jwt
import pytest
import requests

from tests.oidc.issuer import DISCOVERY, JWKS, Issuer, issuer

AUDIENCE = "https://models.example.org"


@pytest.fixture
def ci() -> Iterator[Issuer]:
    with issuer("/_services/token") as made:
        yield made


def verified(ci: Issuer, text: str) -> dict[str, object]:
    document = requests.get(ci.url + DISCOVERY, timeout=10).json()
    assert document["issuer"] == ci.url
    key = jwt.PyJWKClient(document["jwks_uri"]).get_signing_key_from_jwt(text)
    return jwt.decode(text, key, ["RS256", "ES256"], audience=AUDIENCE, issuer=ci.url)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_mint(ci: Issuer, algorithm: str) -> None:
    old = ci.mint(ci.claims(AUDIENCE, sub="old"))
    ci.rotate(algorithm)
    assert verified(ci, ci.mint(ci.github_claims(AUDIENCE)))["repository"] == "acme/models"
    assert verified(ci, ci.mint(ci.gitlab_claims(AUDIENCE)))["project_path"] == "acme/models"
    assert verified(ci, old)["sub"] == "old"
    ci.rotate(algorithm, keep=False)
    with pytest.raises(jwt.PyJWKClientError):
        verified(ci, old)
    assert ci.requests[f"/_services/token{JWKS}"] == 4


def test_the_endpoint_of_a_job(ci: Issuer) -> None:
    def asked(token: str) -> requests.Response:
        headers = {"Authorization": f"bearer {token}"}
        return requests.get(f"{ci.request_url}&audience={AUDIENCE}", headers=headers, timeout=10)

    assert verified(ci, asked(ci.request_token).json()["value"])["ref"] == "refs/heads/main"
    assert asked("another").status_code == 401


def test_stop(ci: Issuer) -> None:
    before = ci.url
    ci.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(ci.url + DISCOVERY, timeout=10)
    ci.start()
    assert ci.url == before
    assert requests.get(ci.url + DISCOVERY, timeout=10).json() == ci.discovery()
