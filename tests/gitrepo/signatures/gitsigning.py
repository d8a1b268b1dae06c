"""Tags as gitsign signs them, without a server: a Sigstore of one's own, and forgeries."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf import json_format

from studio_action.gitrepo.signatures import log_entry
from tests.signature.sigstore_instance import NOW, SHA256, Sigstore, b64, new_key

LOG_ENTRY = "1.3.6.1.4.1.57264.3.1"
ADA, ACCOUNTS = "https://ci.test/ada", "https://accounts.test"


def _as_it_is(entry: dict[str, Any]) -> dict[str, Any]:
    return entry


@dataclass
class GitsignTag:
    """What goes into one signature; a forgery has one of them wrong."""

    sigstore: Sigstore
    payload: bytes
    identity: str = ADA
    issuer: str = ACCOUNTS
    at: datetime = NOW
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    digest: bytes = b""
    signing_key: ec.EllipticCurvePrivateKey | None = None
    entry: Callable[[dict[str, Any]], dict[str, Any] | None] = _as_it_is
    log: Sigstore | None = None
    change: Callable[[cms.SignedData], None] = lambda _: None

    def signed(self) -> bytes:
        """The content of the tag's object."""
        return self.payload + armored(self.der())

    def der(self) -> bytes:
        certificate = self.sigstore.certificate(self.key, self.identity, self.issuer)
        attributes = cms.CMSAttributes(
            [
                attribute("content_type", cms.ContentType("data")),
                attribute("signing_time", cms.Time({"utc_time": core.UTCTime(NOW)})),
                attribute("message_digest", core.OctetString(self._digest())),
            ]
        )
        signed = attributes.dump()
        signature = (self.signing_key or self.key).sign(signed, SHA256)
        data = cms.SignedData(
            {
                "version": "v1",
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
                "encap_content_info": {"content_type": "data"},
                "certificates": [certificate_choice(certificate)],
                "signer_infos": [self._signer(certificate, attributes, signed, signature)],
            }
        )
        self.change(data)
        info = cms.ContentInfo({"content_type": "signed_data", "content": data})
        der: bytes = info.dump(force=True)
        return der

    def _digest(self) -> bytes:
        return self.digest or hashlib.sha256(self.payload).digest()

    def _signer(
        self, certificate: x509.Certificate, attributes: Any, signed: bytes, signature: bytes
    ) -> cms.SignerInfo:
        issued = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                {"issuer": issued.issuer, "serial_number": issued.serial_number},
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }
        entry = self.entry(self._log_entry(certificate, signed, signature))
        if entry is not None:
            entry.pop("canonicalizedBody", None)
            message = json_format.ParseDict(entry, log_entry.Entry())
            content = core.OctetString(message.SerializeToString(deterministic=True))
            signer["unsigned_attrs"] = [attribute(LOG_ENTRY, content)]
        return cms.SignerInfo(signer)

    def _log_entry(
        self, certificate: x509.Certificate, signed: bytes, signature: bytes
    ) -> dict[str, Any]:
        pem = certificate.public_bytes(Encoding.PEM)
        spec = {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(signed).hexdigest()}},
            "signature": {"content": b64(signature), "publicKey": {"content": b64(pem)}},
        }
        return (self.log or self.sigstore).entry("hashedrekord", spec, self.at)


def attribute(name: str, value: Any) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": name, "values": [value]})


def certificate_choice(certificate: x509.Certificate) -> cms.CertificateChoices:
    loaded = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    return cms.CertificateChoices("certificate", loaded)


def armored(der: bytes) -> bytes:
    text = base64.b64encode(der)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join(
        [b"-----BEGIN SIGNED MESSAGE-----", *lines, b"-----END SIGNED MESSAGE-----\n"]
    )
