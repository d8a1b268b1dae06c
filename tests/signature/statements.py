"""Statements and bundles of OpenSSF Model Signing, good ones and such as no signer makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.signature.sigstore_instance import SHA256, b64, pae

IGNORED = [".git", ".gitattributes", ".github", ".gitignore", "model.sig"]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def resource(name: str, digest: str, algorithm: str = "sha256") -> dict[str, str]:
    return {"name": name, "algorithm": algorithm, "digest": digest}


def statement(
    resources: Iterable[Mapping[str, str]],
    *,
    name: str = "m",
    ignored: Iterable[str] = IGNORED,
    **serialization: object,
) -> dict[str, Any]:
    """What `model_signing` signs, for resources in their order."""
    listed = list(resources)
    how = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, **serialization}
    over_all = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in listed))
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": over_all.hexdigest()}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {**how, "ignore_paths": list(ignored)},
            "resources": listed,
        },
    }


def of_files(files: Mapping[str, bytes], **more: Any) -> dict[str, Any]:
    """The statement of files by their SHA-256."""
    return statement([resource(name, sha256(files[name])) for name in sorted(files)], **more)


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed_by_key(
    said: Mapping[str, Any], key: ec.EllipticCurvePrivateKey, **envelope: Any
) -> dict[str, Any]:
    """A bundle as `model_signing sign key` makes it; `envelope` replaces fields of its envelope."""
    payload = json.dumps(said).encode()
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "publicKey": {"hint": sha256(public_pem(key).encode())},
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": b64(payload),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": b64(key.sign(pae(payload), SHA256)), "keyid": ""}],
            **envelope,
        },
    }


def content(bundle: Mapping[str, Any]) -> bytes:
    return json.dumps(bundle).encode()
