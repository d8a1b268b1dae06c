"""Who signed: bundles of keys, certificates and a Sigstore of our own, and forged ones."""

from __future__ import annotations

from pathlib import Path

from studio_action.signature import verifying
from studio_action.signature.policy import SignaturePolicy
from studio_action.signature.statement import Bundle
from tests.signature.sigstore_instance import Sigstore
from tests.signature.statements import content, of_files

IDENTITY, ISSUER = "https://ci.test/acme/models/sign.yml@refs/heads/main", "https://ci.test"


def test_sigstore(tmp_path: Path) -> None:
    sigstore = Sigstore()
    bundle = Bundle.read("m/model.sig", content(sigstore.bundle(of_files({"a": b"1"}))))
    policy = SignaturePolicy(
        "sigstore",
        identity=IDENTITY,
        identity_provider=ISSUER,
        trust_config=sigstore.trusted_root(),
    )
    print(verifying.verify(bundle, policy, tmp_path))
