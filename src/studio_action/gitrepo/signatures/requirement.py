"""What a tag's signature has to be: the kind of it, and by whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio_action.model.signed_tag import SignatureKind


@dataclass(frozen=True, slots=True)
class TagSignature:
    """The requirement that the tags that decide are signed by somebody allowed.

    `signers` is the content of a file: OpenSSH's allowed signers, a keyring of OpenPGP's public
    keys, armored or binary, or lines of an identity and its issuer. For gitsign, `trust` is
    Sigstore's trusted root (JSON), '' for that of the public instance.
    """

    kind: SignatureKind
    signers: bytes = field(repr=False)
    trust: str = field(default="", repr=False)
