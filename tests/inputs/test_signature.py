from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.errors import BadInput
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.signature import read_sha256, read_signature
from studio_action.signature.policy import SignaturePolicy

KEY = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"
CHAIN = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


def read(**given: str) -> SignaturePolicy | None:
    return read_signature(Inputs({name.replace("_", "-"): it for name, it in given.items()}, {}))


def test_nothing_is_required() -> None:
    assert read() is None
    assert read(require_signature="none") is None


def test_key__as_text_or_file(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(KEY)
    policy = SignaturePolicy("key", public_key=KEY)

    assert read(require_signature="key", signature_public_key=KEY) == policy
    assert read(require_signature="key", signature_public_key=f"{tmp_path}/key.pub") == policy


def test_certificate__of_anybody_or_one() -> None:
    policy = SignaturePolicy("certificate", certificate_chain=CHAIN, identity="CN=Ada")
    assert policy == read(
        require_signature="certificate",
        signature_certificate_chain=CHAIN,
        signature_identity="CN=Ada",
    )


def test_sigstore__with_and_without_a_root_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_text('{"mediaType": "x"}')
    asked = {
        "require_signature": "sigstore",
        "signature_identity": "ada@example.com",
        "signature_identity_provider": "https://accounts.example.com",
        "signature": "./signatures/../signatures/m.sig",
    }
    given = read(**asked, signature_trust_config=f"{tmp_path}/root.json")

    policy = read(**asked)
    assert policy is not None
    assert (policy.path, policy.trust_config) == ("signatures/m.sig", "")
    assert given is not None
    assert given.trust_config == '{"mediaType": "x"}'


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"signature_public_key": KEY}, "nothing would be verified", id="forgotten"),
        pytest.param({"require_signature": "key"}, "public-key is missing", id="no key"),
        pytest.param(
            {"require_signature": "certificate"},
            "chain is missing",
            id="no authority, not even the system's",
        ),
        pytest.param(
            {"require_signature": "sigstore", "signature_identity": "ada"},
            "identity-provider is missing",
            id="anybody's word for an identity",
        ),
        pytest.param(
            {"require_signature": "key", "signature_public_key": KEY, "signature_identity": "ada"},
            "signature-identity is given, and require-signature is key",
            id="of another method",
        ),
        pytest.param(
            {"require_signature": "key", "signature_public_key": KEY, "signature": "../m.sig"},
            "is not a file of the repository",
            id="outside of the repository",
        ),
        pytest.param(
            {"require_signature": "key", "signature_public_key": "/none"},
            "cannot be read",
            id="no file",
        ),
        pytest.param(
            {
                "require_signature": "key",
                "signature_public_key": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n",
            },
            "has no public key",
            id="the private key",
        ),
        pytest.param(
            {
                "require_signature": "sigstore",
                "signature_identity": "ada",
                "signature_identity_provider": "https://x",
                "signature_trust_config": "{]",
            },
            "is not a JSON object",
            id="no JSON",
        ),
    ],
)
def test_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        read(**given)
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["ab" * 31, "ab" * 32 + "0", "xy" * 32, "md5:" + "ab" * 32, "ab " * 32]
)
def test_sha256__refused(text: str) -> None:
    with pytest.raises(BadInput, match="is not a SHA-256"):
        read_sha256(Inputs({"expected-sha256": text}, {})["expected-sha256"])


def test_sha256__is_lower_case_without_a_prefix() -> None:
    for text in ("AB" * 32, "sha256:" + "ab" * 32):
        assert read_sha256(Inputs({"expected-sha256": text}, {})["expected-sha256"]) == "ab" * 32
