"""Reads and verifies ID tokens: JSON Web Tokens that an issuer has signed. Pure.

https://www.rfc-editor.org/rfc/rfc8725 has the attacks on such tokens. Everything that is not
needed here is refused rather than ignored: other keys in the header, encryption, extensions.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from studio_action.net import bounded_json
from studio_action.server.token_exchange.issuer_keys import ALGORITHMS, IssuerKey
from studio_action.server.token_exchange.issuers import TrustedIssuer
from studio_action.text import printable

LONGEST = 16 << 10
"""The most characters of an ID token; those of CI systems have two or three thousand."""
LONGEST_LIFETIME = timedelta(hours=24)
"""GitLab's live as long as the job may run."""
LEEWAY = timedelta(seconds=30)
"""How far the clocks of the issuer and of this machine may be apart."""
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+", re.ASCII)
_LONGEST_ID = 500
_FOREIGN_KEYS = ("jku", "jwk", "x5u", "x5c")
_UNKNOWN = ("crit", "b64", "zip", "enc", "epk")


class BadIdToken(Exception):
    """The ID token is refused; the message says why, for whoever sent it."""


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """An ID token that nobody has verified yet: enough of it to find the key.

    `kid` is '' if it does not say which one (OpenID Connect Core, section 10.1).
    """

    text: str = field(repr=False)
    algorithm: str
    kid: str
    issuer: str
    claims: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> UnverifiedToken:
        """Return the token in `text`; raise `BadIdToken` if it has not the form of an ID token."""
        match = _COMPACT.fullmatch(text) if len(text) <= LONGEST else None
        if match is None:
            raise BadIdToken(
                f"the ID token is longer than {LONGEST} characters"
                if len(text) > LONGEST
                else "the ID token is not a signed JSON Web Token"
            )
        header, claims = _object(match[1], "header"), _object(match[2], "payload")
        issuer = claims.get("iss")
        if not isinstance(issuer, str):
            raise BadIdToken("the ID token has no issuer (iss)")
        return cls(text, _algorithm(header), _kid(header), issuer, claims)

    def verify(self, key: IssuerKey, issuer: TrustedIssuer, now: datetime) -> IdToken:
        """Return the token if `issuer` signed it with `key` for us, and it is valid at `now`.

        Raise `BadIdToken` if not.
        """
        import jwt  # it takes its time, and most servers trust no issuer

        try:
            jwt.PyJWS(algorithms=[key.algorithm]).decode_complete(
                self.text, key=key.public, algorithms=[key.algorithm]
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise BadIdToken("the signature of the ID token is wrong") from None
        if self.issuer != issuer.url:
            raise BadIdToken("the ID token is of another issuer")
        _check_audience(self.claims.get("aud"), issuer)
        return IdToken(self.claims, _check_times(self.claims, now), self._identity())

    def _identity(self) -> bytes:
        """Return what only this token has: its `jti`, else what is signed.

        The signature does not count: whoever has one of ECDSA can make another (r, -s).
        """
        jti = self.claims.get("jti")
        if jti is None:
            jti = self.text.rpartition(".")[0]
        elif not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_ID:
            raise BadIdToken("the ID token's jti is not a text")
        return hashlib.sha256(f"{self.issuer}\n{jti}".encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class IdToken:
    """A verified ID token; `identity` is a digest that no other has."""

    claims: Mapping[str, Any] = field(repr=False)
    expires: datetime
    identity: bytes


def _object(part: str, where: str) -> dict[str, Any]:
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != part:
            raise ValueError("another text would mean the same")
        value = bounded_json.read(content, LONGEST, unique=True)
    except ValueError:
        raise BadIdToken(f"the ID token's {where} is not plain JSON") from None
    if not isinstance(value, dict):
        raise BadIdToken(f"the ID token's {where} is not a JSON object")
    return value


def _algorithm(header: Mapping[str, Any]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise BadIdToken(f"the ID token's algorithm is none of {', '.join(sorted(ALGORITHMS))}")
    return algorithm


def _kid(header: Mapping[str, Any]) -> str:
    if own := [name for name in _FOREIGN_KEYS if name in header]:
        raise BadIdToken(f"the ID token brings a key of its own ({own[0]})")
    if unknown := [name for name in _UNKNOWN if name in header]:
        raise BadIdToken(f"the ID token's header has {unknown[0]}, which is not supported")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise BadIdToken("the token is of another type (typ) than an ID token")
    kid = header.get("kid", "")
    if not isinstance(kid, str) or len(kid) > _LONGEST_ID:
        raise BadIdToken("the ID token does not say which key signed it (kid)")
    return kid


def _check_audience(audience: object, issuer: TrustedIssuer) -> None:
    """Raise `BadIdToken` unless the token is for us alone: any other could use it here."""
    given = audience if isinstance(audience, list) else [audience]
    texts = {each for each in given if isinstance(each, str)}
    if len(texts) == len(given) > 0 and texts <= issuer.audiences:
        return
    wanted = " or ".join(sorted(issuer.audiences))
    shown = ", ".join(printable(each, 200) for each in sorted(texts)) or "nothing"
    raise BadIdToken(f"the ID token's audience (aud) is {shown}, but must be {wanted} alone")


def _check_times(claims: Mapping[str, Any], now: datetime) -> datetime:
    """Return when the token expires; raise `BadIdToken` unless it is valid at `now`."""
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    begins = _moment(claims, "nbf") if "nbf" in claims else issued
    if now - LEEWAY >= expires:
        raise BadIdToken(f"the ID token expired at {expires:%Y-%m-%d %H:%M:%S} UTC")
    if now + LEEWAY < max(issued, begins):
        raise BadIdToken("the ID token is not valid yet; check the clocks")
    if not timedelta(0) < expires - issued <= LONGEST_LIFETIME:
        raise BadIdToken("the ID token is made for longer than 24 hours, or for no time at all")
    return expires


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    """Return a claim that is a number of seconds since 1970 (RFC 7519, section 2)."""
    value = claims.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        try:
            return datetime.fromtimestamp(value, timezone.utc)
        except (ValueError, OverflowError, OSError):
            pass
    raise BadIdToken(f"the ID token's {name} is not a time")
