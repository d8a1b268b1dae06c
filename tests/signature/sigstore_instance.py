"""A Sigstore of one's own, without a server: what Fulcio, its CT log and Rekor would have signed.

The certificate has Fulcio's extensions, a timestamp of the CT log is in it (RFC 6962), and the log
entry proves its inclusion in a tree of one leaf, as Rekor's API (v1) answers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SHA256 = ec.ECDSA(hashes.SHA256())
IDENTITY, ISSUER = "https://ci.test/acme/models/sign.yml@refs/heads/main", "https://ci.test"
NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(spki(key)).digest()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def pae(payload: bytes, kind: str = "application/vnd.in-toto+json") -> bytes:
    """What is signed of a DSSE envelope (https://github.com/secure-systems-lab/dsse)."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)


@dataclass
class Sigstore:
    """The authority, the two logs, and the trusted root that names them."""

    authority: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    ct_log: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    log: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fulcio.test")])
        subject_key = x509.SubjectKeyIdentifier.from_public_key(self.authority.public_key())
        self._name = name
        self.root = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.authority.public_key())
            .serial_number(1)
            .not_valid_before(NOW - timedelta(days=30))
            .not_valid_after(NOW + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(True, 0), critical=True)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(subject_key, critical=False)
            .sign(self.authority, hashes.SHA256())
        )

    def trusted_root(self) -> str:
        """The JSON that `signature-trust-config` takes."""
        since = {"start": "2026-01-01T00:00:00Z"}
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [_log("https://rekor.test", self.log, since)],
                "certificateAuthorities": [
                    {
                        "subject": {"organization": "test", "commonName": "fulcio.test"},
                        "uri": "https://fulcio.test",
                        "certChain": {
                            "certificates": [
                                {"rawBytes": b64(self.root.public_bytes(Encoding.DER))}
                            ]
                        },
                        "validFor": since,
                    }
                ],
                "ctlogs": [_log("https://ctfe.test", self.ct_log, since)],
                "timestampAuthorities": [],
            }
        )

    def certificate(
        self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str
    ) -> x509.Certificate:
        """A certificate of ten minutes for `identity`, as Fulcio makes it after a login."""
        key_of_root = x509.SubjectKeyIdentifier.from_public_key(self.authority.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(2)
            .not_valid_before(NOW - timedelta(minutes=1))
            .not_valid_after(NOW + timedelta(minutes=9))
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_of_root), False
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), True
            )
            .add_extension(x509.UnrecognizedExtension(_ISSUER, issuer.encode()), False)
        )
        before = builder.sign(self.authority, hashes.SHA256())
        timestamps = self._timestamp(before.tbs_certificate_bytes)
        return builder.add_extension(x509.UnrecognizedExtension(_SCTS, timestamps), False).sign(
            self.authority, hashes.SHA256()
        )

    def _timestamp(self, tbs: bytes) -> bytes:
        """The list of one timestamp, as the extension has it (RFC 6962, section 3.2 and 3.3)."""
        when = int(NOW.timestamp() * 1000)
        entry = key_id(self.authority) + len(tbs).to_bytes(3, "big") + tbs
        signed = struct.pack("!BBQH", 0, 0, when, 1) + entry + b"\0\0"
        signature = self.ct_log.sign(signed, SHA256)
        one = struct.pack("!B32sQH", 0, key_id(self.ct_log), when, 0)
        one += struct.pack("!BBH", 4, 3, len(signature)) + signature
        entries = struct.pack("!H", len(one)) + one
        everything = struct.pack("!H", len(entries)) + entries
        return b"\x04" + _length(len(everything)) + everything

    def bundle(
        self,
        statement: Mapping[str, Any],
        identity: str = IDENTITY,
        issuer: str = ISSUER,
    ) -> dict[str, Any]:
        """What `model_signing sign sigstore` would leave of a statement."""
        key = new_key()
        payload = json.dumps(statement).encode()
        certificate = self.certificate(key, identity, issuer)
        envelope = {
            "payload": b64(payload),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": b64(key.sign(pae(payload), SHA256))}],
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
                "tlogEntries": [self._entry(payload, envelope, certificate)],
            },
            "dsseEnvelope": envelope,
        }

    def _entry(
        self, payload: bytes, envelope: Mapping[str, Any], certificate: x509.Certificate
    ) -> dict[str, Any]:
        signatures = [
            {"signature": each["sig"], "verifier": b64(certificate.public_bytes(Encoding.PEM))}
            for each in envelope["signatures"]
        ]
        hashed = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
        spec = {"envelopeHash": hashed, "payloadHash": hashed, "signatures": signatures}
        return self.entry("dsse", spec)

    def entry(self, kind: str, spec: Mapping[str, Any], at: datetime = NOW) -> dict[str, Any]:
        """An entry of Rekor's log, which has it alone, as a bundle has it."""
        body = rfc8785.dumps({"apiVersion": "0.0.1", "kind": kind, "spec": spec})
        when = int(at.timestamp())
        leaf = hashlib.sha256(b"\0" + body).digest()
        promise = rfc8785.dumps(
            {
                "body": b64(body),
                "integratedTime": when,
                "logID": key_id(self.log).hex(),
                "logIndex": 0,
            }
        )
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(key_id(self.log))},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(when),
            "inclusionPromise": {"signedEntryTimestamp": b64(self.log.sign(promise, SHA256))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(leaf),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": self._checkpoint(leaf)},
            },
            "canonicalizedBody": b64(body),
        }

    def _checkpoint(self, root: bytes) -> str:
        note = f"rekor.test - 1\n1\n{b64(root)}\n"
        signature = key_id(self.log)[:4] + self.log.sign(note.encode(), SHA256)
        return f"{note}\n— rekor.test {b64(signature)}\n"


def _log(url: str, key: ec.EllipticCurvePrivateKey, since: Mapping[str, str]) -> dict[str, Any]:
    public = {
        "rawBytes": b64(spki(key)),
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "validFor": since,
    }
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": public,
        "logId": {"keyId": b64(key_id(key))},
    }


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(sign, False, False, False, False, not sign, not sign, False, False)


def _length(length: int) -> bytes:
    """A length of DER."""
    if length < 128:
        return bytes([length])
    return b"\x82" + length.to_bytes(2, "big") if length > 255 else bytes([0x81, length])
