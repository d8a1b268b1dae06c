"""Forged and unfit ID tokens: each is refused in words, and nothing is given for it.

The attacks are those of RFC 8725, and what is known of libraries for JSON Web Tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.oidc.issuer import Issuer, SigningKey, compact, encoded, private_key
from tests.server.token_exchange.trusting import URL, Trusting, trusting

ATTACKER = SigningKey("key-1", "RS256", private_key("RS256", 1))
"""A key of somebody else, under the id of the issuer's."""
ELLIPTIC = SigningKey("elliptic", "ES256", private_key("ES256", 1))
SHORT = SigningKey("short", "RS256", private_key("RS256", 1, 1024))
SECRET = b"a secret of thirty-two bytes or more"
SECOND = SigningKey("key-2", "RS256", private_key("RS256", 2))
OF_OTHER_KIND = SigningKey("curve-384", "ES384", private_key("ES384", 1))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trusting]:
    with trusting(tmp_path_factory.mktemp("trusting")) as world:
        world.ci.keys += [SECOND, ELLIPTIC, SHORT, OF_OTHER_KIND]
        world.ci.replies["/github/.well-known/jwks"] = world.ci.answer_with_keys(
            *(key.jwk() for key in world.ci.keys),
            {"kty": "oct", "kid": "secret", "alg": "HS256", "k": encoded(SECRET)},
            {**ATTACKER.jwk(), "kid": "for-encryption", "use": "enc"},
            {**ATTACKER.jwk(), "kid": "no-verify", "key_ops": ["sign"]},
            {**ATTACKER.jwk(), "kid": "broken", "n": 7},
            "no key at all",
        )
        yield world


def claims(world: Trusting, **changes: Any) -> dict[str, Any]:
    return world.claims(**changes)


def unsigned(algorithm: Any) -> Callable[[Trusting], str]:
    def make(world: Trusting) -> str:
        header = {"typ": "JWT", "alg": algorithm, "kid": "key-1"}
        return compact(header, claims(world), lambda _: b"").rstrip(".") + "."

    return make


def by_hmac(secret: Callable[[Issuer], bytes], kid: str = "key-1") -> Callable[[Trusting], str]:
    def make(world: Trusting) -> str:
        def sign(message: bytes) -> bytes:
            return hmac.digest(secret(world.ci), message, hashlib.sha256)

        return compact({"typ": "JWT", "alg": "HS256", "kid": kid}, claims(world), sign)

    return make


def pem(ci: Issuer) -> bytes:
    public = ci.keys[0].private.public_key()
    content: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return content


def jwk_text(ci: Issuer) -> bytes:
    return json.dumps(ci.keys[0].jwk()).encode()


def with_header(**header: Any) -> Callable[[Trusting], str]:
    """Signed by the issuer itself, so that only the header is wrong."""
    return lambda world: world.ci.mint(claims(world), header=header)


def with_own_key(**header: Any) -> Callable[[Trusting], str]:
    """Signed by the attacker, whose key the header brings."""
    return lambda world: world.ci.mint(claims(world), key=ATTACKER, header=header)


def with_claims(**changes: Any) -> Callable[[Trusting], str]:
    return lambda world: world.job(**changes)


def by(key: SigningKey, **header: Any) -> Callable[[Trusting], str]:
    return lambda world: world.ci.mint(claims(world), key=key, header=header)


def after(seconds: int, name: str) -> Callable[[Trusting], str]:
    return lambda world: world.job(**{name: int(world.ci.now()) + seconds})


def with_payload(make: Callable[[dict[str, Any]], bytes]) -> Callable[[Trusting], str]:
    """Signed by the issuer itself, with a payload that is not what `json.dumps` makes."""
    return lambda world: world.ci.mint(make(claims(world)))


def changed(change: Callable[[str], str]) -> Callable[[Trusting], str]:
    return lambda world: change(world.job())


def signed_as(signature: bytes) -> Callable[[Trusting], str]:
    header = {"typ": "JWT", "alg": "ES256", "kid": "elliptic"}
    return lambda world: compact(header, claims(world), lambda _: signature)


def replayed(world: Trusting) -> str:
    text = world.job()
    assert world.exchange(text).status_code == 200
    return text


def replayed_with_another_signature(world: Trusting) -> str:
    text = world.job(jti=world.ci.claims(URL)["jti"])
    assert world.exchange(text).status_code == 200
    return world.ci.mint(base64.urlsafe_b64decode(text.split(".")[1] + "=="), key=ELLIPTIC)


def replayed_without_jti(world: Trusting) -> str:
    """Whoever has one signature of ECDSA, (r, s), can make the other, (r, n - s)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    text = world.ci.mint(claims(world, jti=None), key=ELLIPTIC)
    assert world.exchange(text).status_code == 200
    message, _, signature = text.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    other = order - int.from_bytes(raw[32:], "big")
    return f"{message}.{encoded(raw[:32] + other.to_bytes(32, 'big'))}"


def of_the_other_issuer(world: Trusting) -> str:
    """Its key has the same id, and it is trusted, too: but not for the jobs of `ci`."""
    assert world.other.keys[0].kid == world.ci.keys[0].kid
    return world.ci.mint(claims(world), key=world.other.keys[0])


def with_payload_of(world: Trusting) -> str:
    mine, yours = world.job(repository="evil/models"), world.job()
    header, _, signature = mine.split(".")
    return f"{header}.{yours.split('.')[1]}.{signature}"


def deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


CASES: dict[str, tuple[Callable[[Trusting], str], str]] = {
    # algorithms
    "alg none": (unsigned("none"), "not a signed JSON Web Token"),
    "alg None with a signature": (with_header(alg="None"), "algorithm is none of"),
    "alg none with a signature": (with_header(alg="none"), "algorithm is none of"),
    "no alg": (with_header(alg=None), "algorithm is none of"),
    "alg is a list": (with_header(alg=["RS256"]), "algorithm is none of"),
    "HS256 with the public key as secret": (by_hmac(pem), "algorithm is none of"),
    "HS256 with the JWK as secret": (by_hmac(jwk_text), "algorithm is none of"),
    "HS256 with a secret of the key set": (by_hmac(lambda _: SECRET, "secret"), "algorithm"),
    "HS256 with an empty secret": (by_hmac(lambda _: b""), "algorithm is none of"),
    "EdDSA": (with_header(alg="EdDSA"), "algorithm is none of"),
    "another algorithm than the key's": (with_header(alg="RS512"), "no such key"),
    "RSA's PSS with a key for PKCS 1": (with_header(alg="PS256"), "no such key"),
    "ES256 with an RSA key": (with_header(alg="ES256"), "no such key"),
    "ES256 with a key of another curve": (by(OF_OTHER_KIND, alg="ES256"), "no such key"),
    # signatures
    "the signature stripped": (changed(lambda text: text.rpartition(".")[0]), "not a signed"),
    "an empty signature": (changed(lambda text: text.rpartition(".")[0] + "."), "not a signed"),
    "a signature of something else": (with_payload_of, "signature .* wrong"),
    "a signature cut short": (changed(lambda text: text[:-8]), "signature .* wrong"),
    "r = s = 0": (signed_as(bytes(64)), "signature .* wrong"),
    "a signature of a wrong length": (signed_as(b"\x01" * 63), "signature .* wrong"),
    "a signature in DER": (signed_as(b"\x30\x06\x02\x01\x01\x02\x01\x01"), "signature .* wrong"),
    "another's key with the same id": (by(ATTACKER), "signature .* wrong"),
    "the key of another issuer with the same id": (of_the_other_issuer, "signature .* wrong"),
    "a key too short": (by(SHORT), "no such key"),
    "a key for encryption": (by(ATTACKER, kid="for-encryption"), "no such key"),
    "a key that may not verify": (by(ATTACKER, kid="no-verify"), "no such key"),
    "a key that cannot be read": (by(ATTACKER, kid="broken"), "no such key"),
    "an unknown key": (by(ATTACKER, kid="unknown"), "no such key"),
    # headers
    "no kid, but several keys": (with_header(kid=None), "no such key"),
    "an empty kid": (with_header(kid=""), "no such key"),
    "kid is a number": (with_header(kid=1), "which key signed it"),
    "kid is a path": (by(ATTACKER, kid="../../../dev/null"), "no such key"),
    "kid is SQL": (by(ATTACKER, kid="' UNION SELECT 'secret"), "no such key"),
    "jwk": (with_own_key(jwk=ATTACKER.jwk()), r"a key of its own \(jwk\)"),
    "jku": (with_own_key(jku="https://evil.example.org/keys"), r"a key of its own \(jku\)"),
    "x5u": (with_own_key(x5u="https://evil.example.org/cert"), r"a key of its own \(x5u\)"),
    "x5c": (with_own_key(x5c=["MIIB"]), r"a key of its own \(x5c\)"),
    "crit": (with_header(crit=["exp"], exp=1), "crit, which is not supported"),
    "crit is empty": (with_header(crit=[]), "crit, which is not supported"),
    "an unencoded payload": (with_header(b64=False, crit=["b64"]), "not supported"),
    "compressed": (with_header(zip="DEF"), "zip, which is not supported"),
    "an access token by type": (with_header(typ="at+jwt"), "another type"),
    "typ is a list": (with_header(typ=["JWT"]), "another type"),
    # forms
    "encrypted": (changed(lambda text: ".".join(["e30"] * 5)), "not a signed"),
    "nothing but dots": (changed(lambda text: ".."), "not a signed"),
    "no token": (changed(lambda text: "hello"), "not a signed"),
    "a line break in it": (changed(lambda text: text.replace(".", ".\n", 1)), "not a signed"),
    "a space before it": (changed(lambda text: f" {text}"), "not a signed"),
    "a line break behind it": (changed(lambda text: f"{text}\n"), "not a signed"),
    "padding": (changed(lambda text: f"{text}=="), "not a signed"),
    "another letter that means the same": (
        lambda world: re.sub(r"^e30\.", "e31.", compact(b"{}", b"{}", lambda _: b"x")),
        "header is not plain JSON",
    ),
    "two tokens": (changed(lambda text: f"{text}.{text}"), "not a signed"),
    "as JSON": (lambda world: json.dumps({"payload": "e30", "signatures": []}), "not a signed"),
    "not ASCII": (changed(lambda text: f"{text}é"), "not a signed"),
    "huge": (with_claims(filler="x" * 20_000), "longer than 16384"),
    "a payload of a list": (with_payload(lambda _: b"[]"), "payload is not a JSON object"),
    "a payload that is not JSON": (with_payload(lambda _: b"{"), "payload is not plain JSON"),
    "a payload that is not UTF-8": (with_payload(lambda _: b'{"iss":"\xff"}'), "not plain JSON"),
    "deeply nested": (
        with_payload(lambda it: json.dumps(it).encode()[:-1] + b',"x":' + deep(5000) + b"}"),
        "payload is not plain JSON",
    ),
    "nested a little too deep": (
        with_payload(lambda it: json.dumps(it).encode()[:-1] + b',"x":' + deep(60) + b"}"),
        "payload is not plain JSON",
    ),
    "a number of many digits": (
        with_payload(lambda it: json.dumps(it).encode()[:-1] + b',"x":' + b"9" * 5000 + b"}"),
        "payload is not plain JSON",
    ),
    "a claim twice": (
        with_payload(
            lambda it: (
                json.dumps({**it, "repository": "evil/models"}).encode()[:-1]
                + b',"repository":"acme/models"}'
            )
        ),
        "payload is not plain JSON",
    ),
    "a nested name twice": (
        with_payload(lambda it: json.dumps(it).encode()[:-1] + b',"x":{"a":1,"a":2}}'),
        "payload is not plain JSON",
    ),
    "exp is NaN": (
        with_payload(lambda it: json.dumps({**it, "exp": float("nan")}).encode()),
        "payload is not plain JSON",
    ),
    # issuers
    "another issuer": (with_claims(iss="https://evil.example.org"), "is not trusted here"),
    "the issuer with a slash": (
        lambda world: world.job(iss=f"{world.ci.url}/"),
        "is not trusted here",
    ),
    "the issuer in capitals": (
        lambda world: world.job(iss=world.ci.url.replace("http", "HTTP")),
        "is not trusted here",
    ),
    "the issuer's host alone": (lambda world: world.job(iss=world.ci.origin), "not trusted here"),
    "no issuer": (with_claims(iss=None), "no issuer"),
    "a list of issuers": (lambda world: world.job(iss=[world.ci.url]), "no issuer"),
    "the issuer of another trusted one": (
        lambda world: world.job(iss=world.other.url),
        "signature .* wrong",
    ),
    # audiences
    "another audience": (with_claims(aud="https://evil.example.org"), "audience .*evil"),
    "no audience": (with_claims(aud=None), "audience .* nothing"),
    "an empty list of audiences": (with_claims(aud=[]), "audience .* nothing"),
    "an audience besides": (with_claims(aud=[URL, "https://evil.example.org"]), "alone"),
    "an audience that is no text": (with_claims(aud=[URL, 1]), "audience"),
    "an object as audience": (with_claims(aud={URL: URL}), "audience .* nothing"),
    "a part of the audience": (with_claims(aud=URL[:-1]), "audience"),
    "more than the audience": (with_claims(aud=f"{URL}.evil.example.org"), "audience"),
    "the audience with a slash": (with_claims(aud=f"{URL}/"), "audience"),
    "the audience of another issuer": (with_claims(aud="models"), "audience .* models"),
    # times
    "expired": (after(-31, "exp"), "expired at 2026-11-22"),
    "not valid yet": (after(31, "nbf"), "not valid yet"),
    "issued in the future": (
        lambda world: world.job(iat=int(world.ci.now()) + 60, exp=int(world.ci.now()) + 120),
        "not valid yet",
    ),
    "no exp": (with_claims(exp=None), "exp is not a time"),
    "no iat": (with_claims(iat=None), "iat is not a time"),
    "exp is a text": (with_claims(exp="9999999999"), "exp is not a time"),
    "exp is true": (with_claims(exp=True), "exp is not a time"),
    "exp is beyond all calendars": (with_claims(exp=10**20), "exp is not a time"),
    "exp is infinite": (
        with_payload(
            lambda it: json.dumps({**it, "exp": 0}).replace('"exp": 0', '"exp": 1e999').encode()
        ),
        "exp is not a time",
    ),
    "the last second of the calendar": (with_claims(exp=253402300799), "longer than 24 hours"),
    "nbf is a list": (with_claims(nbf=[0]), "nbf is not a time"),
    "made for a week": (after(7 * 86400, "exp"), "longer than 24 hours"),
    "expired before it was issued": (
        lambda world: world.job(iat=int(world.ci.now()) + 20, exp=int(world.ci.now()) - 20),
        "for no time at all",
    ),
    # once
    "replayed": (replayed, "used before"),
    "replayed, signed anew": (replayed_with_another_signature, "used before"),
    "replayed without jti, and another signature": (replayed_without_jti, "used before"),
    "jti is a number": (with_claims(jti=7), "jti is not a text"),
    "jti is empty": (with_claims(jti=""), "jti is not a text"),
    "jti is huge": (with_claims(jti="x" * 501), "jti is not a text"),
    # rules
    "another repository": (with_claims(repository="evil/models"), "repository is evil/models"),
    "a repository whose name begins alike": (
        with_claims(repository="acme-evil/models"),
        "repository is acme-evil/models",
    ),
    "a repository in capitals": (with_claims(repository="ACME/models"), "repository is ACME"),
    "a repository below one": (with_claims(repository="acme/models/evil"), "repository is"),
    "another branch": (with_claims(ref="refs/heads/evil"), "ref is refs/heads/evil"),
    "a branch that ends alike": (with_claims(ref="refs/heads/x/refs/heads/main"), "ref is"),
    "a line break behind the branch": (with_claims(ref="refs/heads/main\n"), "ref is"),
    "a line break in the tag": (with_claims(ref="refs/tags/v1\nx"), "ref is"),
    "a tag with a slash": (with_claims(ref="refs/tags/a/b"), "ref is refs/tags/a/b"),
    "a branch without protection": (with_claims(ref_protected="false"), "ref_protected is false"),
    "protection in capitals": (with_claims(ref_protected="TRUE"), "ref_protected is TRUE"),
    "protection is 1": (with_claims(ref_protected=1), "ref_protected is 1"),
    "protection is a list": (with_claims(ref_protected=["true"]), "ref_protected is not one text"),
    "a list of repositories": (with_claims(repository=["acme/models"]), "repository is not one"),
    "an object as repository": (with_claims(repository={"acme/models": 1}), "is not one text"),
    "a pattern as repository": (with_claims(repository="*"), "repository is"),
    "no repository": (with_claims(repository=None), "repository is missing"),
    "an empty repository": (with_claims(repository=""), "repository is empty"),
    "a long repository": (with_claims(repository="acme/" + "x" * 1000), "repository is acme/xxx"),
    "the claims of another CI system": (
        lambda world: world.ci.mint(world.ci.gitlab_claims(URL)),
        "repository is missing",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused(world: Trusting, case: str) -> None:
    make, reason = CASES[case]
    world.calendar.turn(minutes=1)  # so that a new key id is looked up
    id_token = make(world)
    before = world.minted()

    answer = world.exchange(id_token)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert re.search(reason, answer.json()["error_description"]), answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert world.minted() == before
    assert world.api.logged()["refused"] == "id-token"


def test_accepted__the_only_key_needs_no_id(world: Trusting) -> None:
    world.calendar.turn(minutes=1)

    assert world.exchange(by(ELLIPTIC, kid=None)(world)).status_code == 200


@pytest.mark.parametrize("key", ["key-1", "elliptic", "curve-384"])
def test_accepted(world: Trusting, key: str) -> None:
    """What is refused above is not refused for another reason."""
    world.calendar.turn(minutes=1)
    signing = next(each for each in world.ci.keys if each.kid == key)

    assert world.exchange(by(signing)(world)).status_code == 200
