"""Whatever an issuer signs, and whatever somebody sends, is read or refused in words."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_action.server.token_exchange.id_token import BadIdToken, UnverifiedToken
from studio_action.server.token_exchange.issuer_keys import IssuerKey
from studio_action.server.token_exchange.issuers import TrustedIssuer
from tests.oidc.issuer import Issuer, SigningKey, compact, private_key

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=timezone.utc)
CI = Issuer(now=NOW.timestamp, keys=[SigningKey("key", "ES256", private_key("ES256", 2))])
KEY = IssuerKey("key", "ES256", CI.keys[0].private.public_key())
TRUSTED = TrustedIssuer(CI.url, "ci", frozenset({"us"}))

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "jti", "sub", "repository"])
HEADERS = st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "x5t", "cty"])


def verified(text: str) -> bool:
    """Whether it is a valid ID token; anything but a refusal in words is raised."""
    try:
        UnverifiedToken.parse(text).verify(KEY, TRUSTED, NOW)
    except BadIdToken:
        return False
    return True


def test_verify() -> None:
    assert verified(CI.mint(CI.claims("us")))


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){2}", fullmatch=True))
def test_parse__any_text(text: str) -> None:
    assert not verified(text)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=70))
def test_parse__any_bytes(header: bytes, payload: bytes, signature: bytes) -> None:
    assert not verified(compact(header, payload, lambda _: signature))


@given(st.dictionaries(NAMES, VALUES, max_size=3), st.dictionaries(HEADERS, VALUES, max_size=2))
@settings(deadline=None)
def test_verify__whatever_is_signed(claims: dict[str, Any], header: dict[str, Any]) -> None:
    payload = json.dumps({**CI.claims("us"), **claims}).encode("utf-8", "surrogatepass")

    verified(CI.mint(payload, header=header))


@given(st.integers(0, 400), st.integers(0, 7))
def test_verify__no_other_bit(place: int, bit: int) -> None:
    """One bit of a valid token is another, wherever it is."""
    text = CI.mint(CI.claims("us", jti="a"))
    place %= len(text)
    other = text[:place] + chr(ord(text[place]) ^ (1 << bit)) + text[place + 1 :]

    assert not verified(other)


@pytest.mark.parametrize("seconds", [0, 29])
def test_verify__clocks_may_differ(seconds: int) -> None:
    now = int(NOW.timestamp())
    assert verified(CI.mint(CI.claims("us", iat=now + seconds, nbf=now + seconds)))
    assert verified(CI.mint(CI.claims("us", iat=now - 300, exp=now - seconds)))


def test_verify__without_nbf() -> None:
    assert verified(CI.mint(CI.claims("us", nbf=None)))


def test_verify__a_day_is_not_too_long() -> None:
    now = int(NOW.timestamp())
    assert verified(CI.mint(CI.claims("us", exp=now + 86_400)))
    assert not verified(CI.mint(CI.claims("us", exp=now + 86_401)))


def test_verify__of_another_issuer() -> None:
    """Also where somebody looked the key up at the wrong one."""
    another = TrustedIssuer("https://id.example.org", "another", TRUSTED.audiences)
    with pytest.raises(BadIdToken, match="of another issuer"):
        UnverifiedToken.parse(CI.mint(CI.claims("us"))).verify(KEY, another, NOW)
