"""Who signed: bundles of keys, certificates and a Sigstore of our own, and forged ones."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from studio_action.errors import BadInput, PolicyRefused
from studio_action.signature import verifying
from studio_action.signature.policy import SignaturePolicy, SignedBy
from studio_action.signature.statement import Bundle
from tests.signature.sigstore_instance import IDENTITY, ISSUER, SHA256, Sigstore, b64, new_key, pae
from tests.signature.statements import content, of_files, public_pem, signed_by_key

KEY = new_key()
FILES = {"a": b"a", "deep/b": b"b"}
SAID = of_files(FILES)
BY_KEY = SignaturePolicy("key", public_key=public_pem(KEY))
SIGSTORE = Sigstore()
BY_SIGSTORE = SignaturePolicy(
    "sigstore",
    identity=IDENTITY,
    identity_provider=ISSUER,
    trust_config=SIGSTORE.trusted_root(),
)


@pytest.fixture(scope="module")
def keyless() -> dict[str, Any]:
    return SIGSTORE.bundle(SAID)


def verify(bundle: dict[str, Any], policy: SignaturePolicy, folder: Path) -> SignedBy:
    return verifying.verify(Bundle.read("m/model.sig", content(bundle)), policy, folder)


def resigned(said: dict[str, Any], signed: dict[str, Any]) -> dict[str, Any]:
    """The statement `said` under a signature of `signed`."""
    payload = b64(json.dumps(said).encode())
    return {**signed, "dsseEnvelope": {**signed["dsseEnvelope"], "payload": payload}}


def test_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = verify(signed_by_key(SAID, KEY), BY_KEY, tmp_path)

    assert (found.method, found.issuer, found.path) == ("key", "", "m/model.sig")
    assert found.signer.startswith("sha256:")
    assert str(found) == f"the key {found.signer}"
    assert capsys.readouterr().out == ""


def test_key__the_library_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = signed_by_key(SAID, KEY)
    signed["verificationMaterial"]["publicKey"] = {}
    verify(signed, BY_KEY, tmp_path)
    assert capsys.readouterr().out == ""


OTHER = of_files({**FILES, "a": b"evil"})


def other_payload_type() -> dict[str, Any]:
    """Signed as something else, and called a statement."""
    payload = json.dumps(SAID).encode()
    signature = b64(KEY.sign(pae(payload, "text/plain"), SHA256))
    return signed_by_key(SAID, KEY, signatures=[{"sig": signature, "keyid": ""}])


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(signed_by_key(SAID, new_key()), id="another key"),
        pytest.param(resigned(OTHER, signed_by_key(SAID, KEY)), id="another statement"),
        pytest.param(other_payload_type(), id="signed as something else"),
        pytest.param(
            signed_by_key(SAID, KEY, signatures=[{"sig": b64(b"\0" * 70), "keyid": ""}]),
            id="no signature",
        ),
        pytest.param(signed_by_key(SAID, KEY, signatures=["x"]), id="no object"),
        pytest.param(
            {**signed_by_key(SAID, KEY), "mediaType": "application/json"}, id="another media type"
        ),
        pytest.param(
            signed_by_key({**SAID, "subject": [{"name": "m", "digest": {"sha256": "00"}}]}, KEY),
            id="a digest over all that is not theirs",
        ),
        pytest.param({**signed_by_key(SAID, KEY), "verificationMaterial": {}}, id="no material"),
    ],
)
def test_key__forged(forged: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(PolicyRefused, match="is not good"):
        verify(forged, BY_KEY, tmp_path)


def test_key__the_hint_of_our_key_over_another_ones_signature(tmp_path: Path) -> None:
    forged = signed_by_key(SAID, new_key())
    forged["verificationMaterial"] = signed_by_key(SAID, KEY)["verificationMaterial"]
    with pytest.raises(PolicyRefused, match="is not good: InvalidSignature"):
        verify(forged, BY_KEY, tmp_path)


@pytest.mark.parametrize(
    "policy",
    [
        replace(BY_KEY, public_key="-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"),
        SignaturePolicy("certificate", certificate_chain="-----BEGIN CERTIFICATE-----\nx"),
        replace(BY_SIGSTORE, trust_config='{"mediaType": "x"}'),
        replace(BY_SIGSTORE, trust_config='{"trustedRoot": 1}'),
    ],
    ids=["key", "authorities", "trusted root", "trust configuration"],
)
def test_what_is_trusted_cannot_be_used(policy: SignaturePolicy, tmp_path: Path) -> None:
    signed, _ = by_certificate(KEY)
    with pytest.raises(BadInput, match="input signature-"):
        verify(signed, policy, tmp_path)


def authority(
    name: str = "Acme", *, of: ec.EllipticCurvePrivateKey | None = None, usage: bool = True
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate for `name` by itself, and its key."""
    key = of or new_key()
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime(2026, 1, 1)
    built = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(
            x509.KeyUsage(usage, False, False, False, False, True, True, False, False),
            critical=True,
        )
    )
    if not usage:
        built = built.add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False
        )
    return built.sign(key, hashes.SHA256()), key


def by_certificate(
    key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate | None = None
) -> tuple[dict[str, Any], str]:
    """A bundle with a certificate that vouches for itself, and that as PEM."""
    certificate = certificate or authority(of=key)[0]
    der = b64(certificate.public_bytes(Encoding.DER))
    signed = signed_by_key(SAID, key)
    signed["verificationMaterial"] = {
        "x509CertificateChain": {"certificates": [{"rawBytes": der}]},
        "tlogEntries": [],
    }
    return signed, certificate.public_bytes(Encoding.PEM).decode()


def test_certificate__and_one_that_expired(tmp_path: Path) -> None:
    signed, pem = by_certificate(KEY)

    found = verify(signed, SignaturePolicy("certificate", certificate_chain=pem), tmp_path)

    assert str(found) == "CN=Acme, by CN=Acme"


def test_certificate__of_somebody_else(tmp_path: Path) -> None:
    signed, pem = by_certificate(KEY)
    policy = SignaturePolicy("certificate", certificate_chain=pem, identity="CN=Evil")
    with pytest.raises(PolicyRefused, match="is of 'CN=Acme', not of 'CN=Evil'"):
        verify(signed, policy, tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: by_certificate(new_key())[0], id="another authority of that name"),
        pytest.param(lambda: by_certificate(KEY, authority()[0])[0], id="another's certificate"),
        pytest.param(lambda: resigned(OTHER, by_certificate(KEY)[0]), id="another statement"),
    ],
)
def test_certificate__forged(make: Callable[[], dict[str, Any]], tmp_path: Path) -> None:
    policy = SignaturePolicy("certificate", certificate_chain=by_certificate(KEY)[1])
    with pytest.raises(PolicyRefused, match="is not good"):
        verify(make(), policy, tmp_path)


def test_certificate__that_is_not_for_signing(tmp_path: Path) -> None:
    signed, pem = by_certificate(KEY, authority(of=KEY, usage=False)[0])
    with pytest.raises(PolicyRefused, match="cannot be used for signing"):
        verify(signed, SignaturePolicy("certificate", certificate_chain=pem), tmp_path)


def test_certificate__none_in_the_bundle(tmp_path: Path) -> None:
    _, pem = by_certificate(KEY)
    policy = SignaturePolicy("certificate", certificate_chain=pem)
    with pytest.raises(PolicyRefused, match="has no certificate in it"):
        verify(signed_by_key(SAID, KEY), policy, tmp_path)


def test_sigstore__without_the_network(keyless: dict[str, Any], tmp_path: Path) -> None:
    found = verify(keyless, BY_SIGSTORE, tmp_path)
    assert (found.method, str(found)) == ("sigstore", f"{IDENTITY}, by {ISSUER}")


def test_sigstore__a_trust_configuration_around_the_root(
    keyless: dict[str, Any], tmp_path: Path
) -> None:
    whole = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": json.loads(SIGSTORE.trusted_root()),
        "signingConfig": {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"},
    }
    assert verify(keyless, replace(BY_SIGSTORE, trust_config=json.dumps(whole)), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identity": IDENTITY.replace("main", "evil")}, "SANs do not match"),
        ({"identity": IDENTITY[:-1]}, "SANs do not match"),
        ({"identity_provider": "https://evil.test"}, "OIDCIssuer does not match"),
        ({"trust_config": Sigstore().trusted_root()}, "certificate"),
    ],
    ids=["another identity", "the beginning of it", "another issuer", "another Sigstore"],
)
def test_sigstore__somebody_else(
    keyless: dict[str, Any], change: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyRefused, match="is not good") as caught:
        verify(keyless, replace(BY_SIGSTORE, **change), tmp_path)
    assert message in str(caught.value)


def entry(bundle: dict[str, Any]) -> Any:
    return bundle["verificationMaterial"]["tlogEntries"][0]


def without_promise(bundle: dict[str, Any]) -> None:
    entry(bundle).pop("inclusionPromise")


def without_entry(bundle: dict[str, Any]) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = []


def at_another_time(bundle: dict[str, Any]) -> None:
    entry(bundle)["integratedTime"] = str(int(entry(bundle)["integratedTime"]) + 60)


def after_it_expired(bundle: dict[str, Any]) -> None:
    entry(bundle)["integratedTime"] = str(int(entry(bundle)["integratedTime"]) + 6000)


def another_entry(bundle: dict[str, Any]) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = [entry(SIGSTORE.bundle(OTHER))]


def another_statement(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["payload"] = b64(json.dumps(OTHER).encode())


def certificate_of_another(bundle: dict[str, Any]) -> None:
    other = SIGSTORE.bundle(SAID)["verificationMaterial"]["certificate"]
    bundle["verificationMaterial"]["certificate"] = other


def bare_key(bundle: dict[str, Any]) -> None:
    bundle.update(signed_by_key(SAID, KEY))


@pytest.mark.parametrize(
    "change",
    [
        without_promise,
        without_entry,
        at_another_time,
        after_it_expired,
        another_entry,
        another_statement,
        certificate_of_another,
        bare_key,
    ],
)
def test_sigstore__forged(
    keyless: dict[str, Any], change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    forged = copy.deepcopy(keyless)
    change(forged)
    with pytest.raises(PolicyRefused, match="is not good"):
        verify(forged, BY_SIGSTORE, tmp_path)
