"""The provenance's signature, by a Sigstore of the tests' own; verified as a consumer does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from studio_action.errors import ContentMismatch


def signed(statement: Mapping[str, Any]) -> tuple[str, str]:
    """Return the bundle of a statement and the trusted root that it is verified by, both JSON."""
    from tests.signature.sigstore_instance import IDENTITY, ISSUER, Sigstore

    instance = Sigstore()
    bundle, root = json.dumps(instance.bundle(statement)), instance.trusted_root()
    if verified(bundle, root, IDENTITY, ISSUER) != statement:
        raise ContentMismatch("the signed provenance is not what was signed")
    return bundle, root


def verified(bundle: str, root: str, identity: str, issuer: str) -> Any:
    """Return the statement in a bundle that an identity signed; raise `ContentMismatch` if not."""
    from sigstore.errors import VerificationError
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity
    from sigstore_models.trustroot.v1 import TrustedRoot as Model

    verifier = Verifier(trusted_root=TrustedRoot(Model.from_json(root)))
    try:
        _, payload = verifier.verify_dsse(
            Bundle.from_json(bundle), Identity(identity=identity, issuer=issuer)
        )
    except VerificationError as error:
        raise ContentMismatch(f"the provenance's signature is not valid: {error}") from None
    return json.loads(payload)
