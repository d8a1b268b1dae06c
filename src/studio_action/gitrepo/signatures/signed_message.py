"""A signature in the Cryptographic Message Syntax (RFC 5652), of the one form that gitsign writes.

There is one signer, whose certificate is the only one. Signed are three attributes, one of which is
the digest of the tag; not signed is one, the entry of Sigstore's log
(https://github.com/sigstore/gitsign, `internal/rekor/oid`). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from asn1crypto import cms, core

from studio_action.gitrepo.signatures.tag_object import Unfit

_LOG_ENTRY = "1.3.6.1.4.1.57264.3.1"
_SIGNED = ("content_type", "message_digest", "signing_time")
_OFFLINE = (
    "has no entry of Sigstore's log in its signature: sign with"
    " `git config gitsign.rekorMode offline`"
)


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """The parts of a signature, none of which is verified yet.

    `attributes` are what is signed, in DER; `digest` is the SHA-256 of the tag that they name.
    `certificate` is DER, `log_entry` a protocol buffer.
    """

    attributes: bytes = field(repr=False)
    digest: bytes
    signature: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    log_entry: bytes = field(repr=False)


def read(der: bytes) -> SignedMessage:
    """Return the parts of a signature; raise `Unfit` for any other form than gitsign's."""
    try:
        info = cms.ContentInfo.load(der, strict=True)
        if info["content_type"].native != "signed_data" or info.dump(force=True) != der:
            raise Unfit("has a signature in a form that gitsign does not write")
        return _read(info["content"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # as the library comes by it
        raise Unfit("has a signature that cannot be read as one of gitsign") from error


def _read(data: cms.SignedData) -> SignedMessage:
    if len(data["certificates"]) != 1 or len(data["signer_infos"]) != 1 or len(data["crls"]):
        raise Unfit("does not have exactly one signer")
    (choice,), (signer,) = data["certificates"], data["signer_infos"]
    content = data["encap_content_info"]
    identifier = signer["sid"].chosen
    usual = (
        data["version"].native == signer["version"].native == "v1",
        [each["algorithm"].native for each in data["digest_algorithms"]] == ["sha256"],
        content["content_type"].native == "data" and content["content"].native is None,
        choice.name == "certificate" and signer["sid"].name == "issuer_and_serial_number",
        signer["digest_algorithm"]["algorithm"].native == "sha256",
        signer["signature_algorithm"]["algorithm"].native == "sha256_ecdsa",
    )
    if not all(usual):
        raise Unfit("has a signature in a form that gitsign does not write")
    certificate = choice.chosen
    if (identifier["issuer"].dump(), identifier["serial_number"].native) != (
        certificate.issuer.dump(),
        certificate.serial_number,
    ):
        raise Unfit("has a certificate that is not its signer's")
    signed = _attributes(signer["signed_attrs"])
    if sorted(signed) != sorted(_SIGNED) or signed["content_type"].native != "data":
        raise Unfit("has a signature with attributes that gitsign does not write")
    return SignedMessage(
        signer["signed_attrs"].untag().dump(force=True),
        signed["message_digest"].native,
        signer["signature"].native,
        certificate.dump(),
        _log_entry(signer),
    )


def _attributes(attributes: cms.CMSAttributes) -> dict[str, core.Asn1Value]:
    """Return the only value of each attribute; raise `Unfit` where one has another number."""
    found: dict[str, core.Asn1Value] = {}
    for each in attributes:
        name = each["type"].native
        if name in found or len(each["values"]) != 1:
            raise Unfit("has an attribute of its signature twice")
        found[name] = each["values"][0]
    return found


def _log_entry(signer: cms.SignerInfo) -> bytes:
    if not len(signer["unsigned_attrs"]):
        raise Unfit(_OFFLINE)
    unsigned = _attributes(signer["unsigned_attrs"])
    if _LOG_ENTRY not in unsigned:
        raise Unfit(_OFFLINE)
    if len(unsigned) > 1:
        raise Unfit("has more than an entry of Sigstore's log beside its signature")
    value: bytes = unsigned[_LOG_ENTRY].parse(core.OctetString).native
    return value
