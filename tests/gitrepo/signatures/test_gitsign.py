from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asn1crypto import core
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_action.errors import BadInput, PolicyRefused
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.signatures.gitsign import Gitsign, read_allowed
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.gitrepo.signatures.settings import Signer
from studio_action.gitrepo.signatures.tag_object import TagObject
from studio_action.gitrepo.signatures.verifier import TagVerifier
from studio_action.model.signed_tag import SignedTag
from studio_action.signature import trust_root
from tests.gitrepo.repositories import make_git
from tests.gitrepo.signatures.gitsigning import (
    ACCOUNTS,
    ADA,
    GitsignTag,
    attribute,
    certificate_choice,
)
from tests.gitrepo.signatures.signing import object_name, tag_payload
from tests.signature.sigstore_instance import NOW, Sigstore, b64, new_key

TAG, COMMIT = "churn@v1.0.0", "1" * 40
PAYLOAD = tag_payload(COMMIT, TAG)
ALLOWED = f"# who may\nbob@example.com https://other.test\n{ADA} {ACCOUNTS}\n".encode()
OURS = Sigstore()
GOOD = GitsignTag(OURS, PAYLOAD).signed()


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> TagVerifier:
    required = TagSignature("gitsign", ALLOWED, OURS.trusted_root())
    return TagVerifier.open(required, make_git(), tmp_path_factory.mktemp("gitsign"))


def verify(verifier: TagVerifier, content: bytes) -> SignedTag:
    tag = TagRef(TAG, COMMIT, 0, True, object=object_name(content))
    return verifier.verify(tag, lambda _: content)


def test_verify(verifier: TagVerifier) -> None:
    assert verify(verifier, GOOD) == SignedTag(TAG, "gitsign", ADA, ACCOUNTS)


def test_verify__a_trust_configuration_around_the_root(tmp_path: Path) -> None:
    around = json.dumps({"trustedRoot": json.loads(OURS.trusted_root()), "signingConfig": {}})
    required = TagSignature("gitsign", ALLOWED, around)

    assert verify(TagVerifier.open(required, make_git(), tmp_path / "it"), GOOD).signer == ADA


def test_signer__a_signature_of_the_real_gitsign(tmp_path: Path) -> None:
    """`internal/e2e/testdata/offline.commit` of https://github.com/sigstore/gitsign (Apache-2.0).

    It is a commit's, in Git's header for that; a tag's is the same, after what is signed.
    """
    commit = (Path(__file__).parent / "data/gitsign-offline.commit").read_bytes()
    header = re.search(rb"^gpgsig (-----BEGIN .*\n(?: .*\n)+)", commit, re.MULTILINE)
    assert header is not None
    armored = header[1].replace(b"\n ", b"\n")
    payload = commit[: header.start()] + commit[header.end() :]
    der = base64.b64decode(b"".join(armored.splitlines()[1:-1]))
    root = files("sigstore._store") / quote(trust_root.URL, safe="") / "trusted_root.json"
    allowed = b"billy@chainguard.dev https://accounts.google.com"
    gitsign = Gitsign(allowed, root.read_text("utf-8"), tmp_path)

    def tag(signed: bytes) -> TagObject:
        return TagObject(COMMIT, "commit", TAG.encode(), "gitsign", signed, armored, der)

    assert gitsign.signer(tag(payload)) == Signer(*allowed.decode().split())
    with pytest.raises(Exception, match="does not match the tag"):
        gitsign.signer(tag(payload + b"more"))


def without_promise(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: text for name, text in entry.items() if name != "inclusionPromise"}


def without_proof(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: text for name, text in entry.items() if name != "inclusionProof"}


def at_another_time(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "integratedTime": str(int(entry["integratedTime"]) + 60)}


def of_another_tag(entry: dict[str, Any]) -> dict[str, Any]:
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": "0" * 64}},
        "signature": {"content": b64(b"x"), "publicKey": {"content": b64(b"x")}},
    }
    return OURS.entry("hashedrekord", spec)


def by_another_name(entry: dict[str, Any]) -> dict[str, Any]:
    proof = entry["inclusionProof"]
    note = proof["checkpoint"]["envelope"].replace("\u2014 rekor.test", "\u2014 rekor.fake")
    return {**entry, "inclusionProof": {**proof, "checkpoint": {"envelope": note}}}


def of_another_kind(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "kindVersion": {"kind": "dsse", "version": "0.0.1"}}


def more_beside_it(data: Any) -> None:
    signer = data["signer_infos"][0]
    signer["unsigned_attrs"] = [*signer["unsigned_attrs"], attribute("1.2.3", core.Null())]


def entry_twice(data: Any) -> None:
    signer = data["signer_infos"][0]
    signer["unsigned_attrs"] = [*signer["unsigned_attrs"], *signer["unsigned_attrs"]]


def two_certificates(data: Any) -> None:
    data["certificates"] = [*data["certificates"], certificate_choice(OURS.root)]


def certificate_of_another(data: Any) -> None:
    data["certificates"] = [certificate_choice(OURS.root)]


def two_signers(data: Any) -> None:
    data["signer_infos"] = [*data["signer_infos"], *data["signer_infos"]]


def content_of_its_own(data: Any) -> None:
    data["encap_content_info"] = {"content_type": "data", "content": PAYLOAD}


def another_version(data: Any) -> None:
    data["version"] = "v3"


FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "another identity": ({"identity": "https://ci.test/mallory"}, "signed by https://ci.test/mall"),
    "another issuer": (
        {"issuer": "https://evil.test"},
        r"by https://ci.test/ada \(by https://evil",
    ),
    "another issuer of somebody allowed": ({"issuer": "https://other.test"}, "does not have"),
    "another authority": ({"sigstore": Sigstore(ct_log=OURS.ct_log, log=OURS.log)}, "not good"),
    "unknown to the log of certificates": (
        {"sigstore": Sigstore(authority=OURS.authority, log=OURS.log)},
        "not good: failed to verify SCT",
    ),
    "in another log": ({"log": Sigstore(log=new_key())}, "not good"),
    "when the certificate had expired": ({"at": NOW + timedelta(minutes=10)}, "not good"),
    "before the certificate": ({"at": NOW - timedelta(minutes=2)}, "not good"),
    "another time than the log's": ({"entry": at_another_time}, "not good"),
    "the log's entry of another tag": ({"entry": of_another_tag}, "not good"),
    "an entry of another kind": ({"entry": of_another_kind}, "not good"),
    "no entry": ({"entry": lambda _: None}, "gitsign.rekorMode offline"),
    "an entry without the log's promise": ({"entry": without_promise}, "not good"),
    "an entry without a proof": ({"entry": without_proof}, "log in a form that gitsign"),
    "a checkpoint by another name": (
        {"entry": by_another_name},
        "in a form that gitsign does not write",
    ),
    "a signature by another key": ({"signing_key": new_key()}, "not good"),
    "another tag's digest": ({"digest": b"\0" * 32}, "does not match the tag"),
    "more that is not signed": ({"change": more_beside_it}, "beside its signature"),
    "two entries": ({"change": entry_twice}, "an attribute of its signature twice"),
    "two certificates": ({"change": two_certificates}, "does not have exactly one signer"),
    "a certificate of another": ({"change": certificate_of_another}, "is not its signer's"),
    "two signers": ({"change": two_signers}, "does not have exactly one signer"),
    "content of its own": (
        {"change": content_of_its_own},
        "signature in a form that gitsign does not write",
    ),
    "another version": (
        {"change": another_version},
        "signature in a form that gitsign does not write",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_verify__refused(forgery: str, verifier: TagVerifier) -> None:
    wrong, reason = FORGERIES[forgery]
    made = GitsignTag(**{"sigstore": OURS, "payload": PAYLOAD, **wrong}).signed()

    with pytest.raises(PolicyRefused, match=reason):
        verify(verifier, made)


def test_verify__a_signature_of_another_tag(verifier: TagVerifier) -> None:
    at = GOOD.index(b"-----BEGIN")
    other = PAYLOAD.replace(b"a message", b"another message") + GOOD[at:]

    with pytest.raises(PolicyRefused, match="does not match the tag"):
        verify(verifier, other)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_verify__no_byte_of_the_object_can_be_another(
    data: st.DataObject, verifier: TagVerifier
) -> None:
    at = data.draw(st.integers(0, len(GOOD) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda it: it != GOOD[at]))
    changed = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]

    with pytest.raises(PolicyRefused):
        verify(verifier, changed)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_verify__whatever_the_signature_is(verifier: TagVerifier, der: bytes) -> None:
    text = base64.b64encode(der)
    block = b"-----BEGIN SIGNED MESSAGE-----\n%b\n-----END SIGNED MESSAGE-----\n" % text

    with pytest.raises(PolicyRefused):
        verify(verifier, PAYLOAD + block)


@pytest.mark.parametrize(
    ("signers", "fault"),
    [
        (b"", "names nobody"),
        (b"ada@example.com\n", "is not an identity and issuer"),
        (b"ada@example.com accounts.google.com\n", "is not an identity and issuer"),
        (b"a b https://accounts.test\n", "is not an identity and issuer"),
    ],
)
def test_read_allowed__none(signers: bytes, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        read_allowed(signers)


@pytest.mark.parametrize("trust", ["", "{}", "[]", "no JSON", '{"trustedRoot": 1}'])
def test_gitsign__no_root_of_trust(trust: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="input signature-trust-config cannot be used"):
        Gitsign(ALLOWED, trust, tmp_path)
