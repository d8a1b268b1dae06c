"""Signatures of gitsign: X.509 certificates of Sigstore, which are valid for ten minutes.

What gitsign has in a tag becomes a bundle of Sigstore over the attributes that were signed, and
Sigstore's own library verifies it: the certificate's chain to the root of trust, that the log of
certificates knows it, that the signature was in Rekor's log while it was valid, whose it is, and
the signature itself. That these attributes are about this tag is checked here. No server is asked.
Imported only where such a signature is required.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from studio_action.errors import BadInput
from studio_action.gitrepo.signatures import log_entry, signed_message
from studio_action.gitrepo.signatures.settings import Signer
from studio_action.gitrepo.signatures.signed_message import SignedMessage
from studio_action.gitrepo.signatures.tag_object import TagObject, Unfit
from studio_action.text import printable

_ISSUERS = (
    x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"),
    x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1"),
)
"""Extensions of Fulcio with the issuer: a text of DER, and what came before it, plain text."""


@dataclass(frozen=True, slots=True)
class AllowedIdentity:
    """Who may sign: an identity, and who has to vouch for it."""

    identity: str
    issuer: str


def read_allowed(signers: bytes) -> tuple[AllowedIdentity, ...]:
    """Read lines of an identity and its issuer; raise `BadInput` where one is none, or for none."""
    found = []
    for line in signers.decode("utf-8", "replace").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not re.match(r"https?://", words[1]):
            raise BadInput(
                "allowed-signers has a line that is not an identity and issuer:"
                f" {printable(line, 80)!r}",
                "A line is e.g. ada@example.com https://accounts.google.com",
            )
        found.append(AllowedIdentity(*words))
    if not found:
        raise BadInput("allowed-signers names nobody", "Name at least one identity and its issuer")
    return tuple(found)


class Gitsign:
    """Checks signatures of gitsign against a root of trust, and a list of who may sign."""

    def __init__(self, signers: bytes, trust: str, folder: Path) -> None:
        """Read who may sign, and `trust`: Sigstore's trusted root, or a configuration around it.

        `trust` is JSON; `folder` is for the library's file. Raises `BadInput` where one of them
        cannot be used.
        """
        self._allowed = read_allowed(signers)
        place = folder / "trusted_root.json"
        try:
            document = json.loads(trust)
            place.write_text(json.dumps(document.get("trustedRoot", document)), "utf-8")
            self._verifier = Verifier(trusted_root=TrustedRoot.from_file(str(place)))
        except Exception as error:  # of many kinds: of pydantic, cryptography, sigstore
            raise BadInput(
                "input signature-trust-config cannot be used:"
                f" {printable(str(error) or type(error).__name__, 300)}",
                "It is Sigstore's trusted_root.json, or a trust configuration around it",
            ) from error

    def signer(self, tag: TagObject) -> Signer:
        """Return who signed the tag; raise `Unfit` if that is nobody allowed."""
        message = signed_message.read(tag.der)
        if message.digest != hashlib.sha256(tag.payload).digest():
            raise Unfit("has a signature that does not match the tag")
        certificate = _certificate(message)
        allowed = next((each for each in self._allowed if _is_of(certificate, each)), None)
        if allowed is None:
            raise Unfit(f"is signed by {_shown(certificate)}, which allowed-signers does not have")
        bundle = _bundle(message)
        who = Identity(identity=allowed.identity, issuer=allowed.issuer)
        try:
            self._verifier.verify_artifact(message.attributes, Bundle.from_json(bundle), who)
        except Exception as error:  # whatever stops it, nothing was verified
            reason = printable(str(error) or type(error).__name__, 300)
            raise Unfit(f"has a signature of gitsign that is not good: {reason}") from error
        return Signer(printable(allowed.identity, 200), printable(allowed.issuer, 200))


def _certificate(message: SignedMessage) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(message.certificate)
        _ = certificate.extensions  # which are read only now
    except Exception as error:  # of many kinds: versions, algorithms, extensions
        raise Unfit("has a certificate that cannot be read") from error
    return certificate


def _is_of(certificate: x509.Certificate, allowed: AllowedIdentity) -> bool:
    """Return whether a certificate, which is not verified yet, says that it is somebody's."""
    try:
        Identity(identity=allowed.identity, issuer=allowed.issuer).verify(certificate)
    except Exception:  # of many kinds: no such extension, or another identity
        return False
    return True


def _shown(certificate: x509.Certificate) -> str:
    """Return what a certificate says of itself, for a message."""
    names = ", ".join(_names(certificate)) or "nobody"
    issuers = ", ".join(dict.fromkeys(_issuers(certificate))) or "nobody"
    return printable(f"{names} (by {issuers})", 300)


def _names(certificate: x509.Certificate) -> Iterator[str]:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            for name in extension.value:
                if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
                    yield name.value


def _issuers(certificate: x509.Certificate) -> Iterator[str]:
    for extension in certificate.extensions:
        if extension.oid in _ISSUERS and isinstance(extension.value, x509.UnrecognizedExtension):
            text = extension.value.value
            der = extension.oid == _ISSUERS[0]  # its tag and length are one byte each
            yield text[2 if der else 0 :].decode("utf-8", "replace")


def _bundle(message: SignedMessage) -> str:
    """Return the signature as a bundle of Sigstore, in JSON."""
    entry = log_entry.read(
        message.log_entry, message.attributes, message.signature, message.certificate
    )
    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": _base64(message.certificate)},
                "tlogEntries": [entry],
            },
            "messageSignature": {
                "messageDigest": {
                    "algorithm": "SHA2_256",
                    "digest": _base64(hashlib.sha256(message.attributes).digest()),
                },
                "signature": _base64(message.signature),
            },
        }
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
