"""Who must have signed a model, who did, and where the signature lies. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from studio_action.model.artifact import RemoteFile

Method = Literal["sigstore", "key", "certificate"]

USUAL_NAME = "model.sig"
"""What `model_signing sign` calls a bundle, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """Who must have signed a model; `path` is where its bundle lies, '' for the usual places.

    Keys and certificates are PEM text, `trust_config` is JSON. `identity` is that of the
    certificate: required for `sigstore`, any at all for `certificate` where it is ''.
    """

    method: Method
    path: str = ""
    public_key: str = ""
    certificate_chain: str = ""
    identity: str = ""
    identity_provider: str = ""
    trust_config: str = ""

    def places(self, root: str, files: Sequence[RemoteFile]) -> tuple[str, ...]:
        """Return where the bundle of the model at `root` may lie, the first choice first.

        That is in the model's folder, then beside it; beside a model that is one file.
        """
        if self.path:
            return (self.path,)
        beside = posixpath.join(posixpath.dirname(root), USUAL_NAME)
        if [file.path for file in files] == [root]:
            return (beside,)
        return tuple(dict.fromkeys((posixpath.join(root, USUAL_NAME), beside)))


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signed a model, and by which bundle, whose `path` is in the repository.

    `signer` is an identity, a certificate's subject, or `sha256:` and the fingerprint of a public
    key; `issuer` is who vouches for it, '' for a key. `sha256` is that of the bundle.
    """

    method: Method
    signer: str
    issuer: str
    path: str
    sha256: str

    def __str__(self) -> str:
        """Return the signer in words, for people."""
        if self.method == "key":
            return f"the key {self.signer}"
        return f"{self.signer}, by {self.issuer}"
