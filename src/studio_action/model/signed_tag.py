"""Who signed a tag that decided which version it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SignatureKind = Literal["ssh", "gpg", "gitsign"]
"""The kinds of signatures that Git's tags have: OpenSSH's, OpenPGP's, and Sigstore's gitsign."""


@dataclass(frozen=True, slots=True)
class SignedTag:
    """A tag, and whose signature of it was checked.

    `signer` is a principal of OpenSSH's allowed signers, a user ID of OpenPGP, or the identity in a
    certificate; `key` is the fingerprint of the key, or who issued the identity.
    """

    tag: str
    kind: SignatureKind
    signer: str
    key: str

    def __str__(self) -> str:
        return f"{self.signer} ({self.key})"
