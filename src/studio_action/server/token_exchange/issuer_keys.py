"""The public keys of an issuer, as its JSON Web Key Set has them (RFC 7517). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ALGORITHMS: Mapping[str, str] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
}
"""The algorithms that may sign, and the kind of key or the curve of each (RFC 7518, 3.1)."""
SHORTEST_RSA = 2048
"""In bits (RFC 7518, section 3.3)."""
_MOST_KEYS = 100
_LONGEST_MEMBER = 1400
"""In base64: RSA's modulus of 8192 bits."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A public key with its id, '' for none, and the one algorithm that it may be used with."""

    kid: str
    algorithm: str
    public: Any = field(repr=False)


def read_key_set(document: object) -> tuple[IssuerKey, ...]:
    """Return the keys that can verify an ID token; raise `ValueError` if it is not a key set.

    A key that names no algorithm is there once for each that it could be used with. Others are
    left out: symmetric ones, short ones, those for encryption, and what cannot be read.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        raise ValueError("it is not a set of keys")
    return tuple(key for jwk in keys if isinstance(jwk, dict) for key in _read(jwk))


def find_key(keys: Sequence[IssuerKey], kid: str, algorithm: str) -> IssuerKey | None:
    """Return the key of this id for this algorithm; None if there is none.

    If `kid` is '', that is the only key for the algorithm; None if there are several.
    """
    fitting = [key for key in keys if key.algorithm == algorithm]
    found = [key for key in fitting if key.kid == kid] if kid else fitting
    return found[0] if len(found) == 1 or (found and kid) else None


def _read(jwk: Mapping[str, Any]) -> Iterator[IssuerKey]:
    kid, operations = jwk.get("kid", ""), jwk.get("key_ops", ["verify"])
    verifies = isinstance(operations, list) and "verify" in operations
    if not isinstance(kid, str) or jwk.get("use", "sig") != "sig" or not verifies:
        return
    members = {name: jwk[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in jwk}
    if not all(isinstance(text, str) and len(text) <= _LONGEST_MEMBER for text in members.values()):
        return
    kind = members.get("crv") if members.get("kty") == "EC" else members.get("kty")
    for algorithm in (name for name, needed in ALGORITHMS.items() if needed == kind):
        public = _public(members, algorithm) if jwk.get("alg", algorithm) == algorithm else None
        if public is not None:
            yield IssuerKey(kid, algorithm, public)


def _public(members: dict[str, str], algorithm: str) -> Any:
    """Return the public key, None if it is not fit; `members` has nothing private of it."""
    import jwt  # it takes its time, and most servers trust no issuer

    try:
        public: Any = jwt.PyJWK(members, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if ALGORITHMS[algorithm] == "RSA" and public.key_size < SHORTEST_RSA:
        return None
    return public
