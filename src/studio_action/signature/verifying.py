"""Who signed a bundle, by the format's own library. Imported only where a signature is required.

The library verifies the bundle's signature, and then that a model has the digests that were signed.
Here it gets what the bundle claims in place of a model: so what it lets pass is exactly what was
signed, before anything is downloaded, and `coverage` compares it with the bytes that come.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from model_signing import hashing, manifest, verifying

from studio_action.errors import BadInput, PolicyRefused
from studio_action.signature.policy import SignaturePolicy, SignedBy
from studio_action.signature.statement import Bundle, Statement
from studio_action.text import printable

_CLIENT_TRUST = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


class _Claimed(hashing.Config):  # type: ignore[misc]
    """Gives what a statement claims where the library would read a model's files."""

    def __init__(self, statement: Statement) -> None:
        super().__init__()
        self._statement = statement

    def hash(self, model_path: Any, *, files_to_hash: Any = None) -> manifest.Manifest:
        return _manifest(self._statement)

    def add_ignored_paths(self, *, model_path: Any, paths: Any) -> None:
        """Leave nothing out: what the signer ignored is not covered."""


def _manifest(statement: Statement) -> manifest.Manifest:
    how = {
        "method": "shards" if statement.shard_size else "files",
        "hash_type": statement.algorithm,
        "shard_size": statement.shard_size,
        "allow_symlinks": False,
    }
    items = list(_items(statement))
    return manifest.Manifest(statement.model, items, manifest.SerializationType.from_args(how))


def _items(statement: Statement) -> Any:
    size = statement.shard_size
    name = f"{statement.algorithm}-sharded-{size}" if size else statement.algorithm
    for path, parts in statement.files.items():
        for part in parts:
            digest = hashing.hashing.Digest(name, bytes.fromhex(part.digest))
            where = PurePosixPath(path)
            if size:
                yield manifest.ShardedFileManifestItem(
                    path=where, start=part.start, end=part.end, digest=digest
                )
            else:
                yield manifest.FileManifestItem(path=where, digest=digest)


def verify(bundle: Bundle, policy: SignaturePolicy, folder: Path) -> SignedBy:
    """Return who signed `bundle`, and thereby all that its statement says.

    `folder` is for the library's files. Raises `PolicyRefused` if the signature is not good or not
    that of whom `policy` names, `BadInput` if a key or certificate of `policy` cannot be used.
    """
    signer = _signer(bundle, policy)
    verifier = _verifier(policy, folder).set_hashing_config(_Claimed(bundle.statement))
    place = folder / "bundle.json"
    place.write_text(bundle.text, "utf-8")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints warnings there
            verifier.verify(folder, place)
    except Exception as error:  # whatever stops it, nothing was verified
        raise PolicyRefused(
            f"the signature {printable(bundle.path, 200)!r} is not good:"
            f" {printable(str(error) or type(error).__name__, 400)}",
            "Nothing was downloaded. require-signature and signature-* say who is trusted",
        ) from error
    return signer


def _verifier(policy: SignaturePolicy, folder: Path) -> Any:
    trusted = folder / "trusted"
    config = verifying.Config()
    try:
        match policy.method:
            case "key":
                trusted.write_text(policy.public_key, "utf-8")
                return config.use_elliptic_key_verifier(public_key=trusted)
            case "certificate":
                trusted.write_text(policy.certificate_chain, "utf-8")
                return config.use_certificate_verifier(certificate_chain=[trusted])
            case "sigstore":
                trusted.write_text(_client_trust(policy.trust_config), "utf-8")
                return config.use_sigstore_verifier(
                    identity=policy.identity,
                    oidc_issuer=policy.identity_provider,
                    trust_config=trusted,
                )
    except Exception as error:  # of many kinds: of cryptography, OpenSSL, sigstore, pydantic
        given = {
            "key": "public-key",
            "certificate": "certificate-chain",
            "sigstore": "trust-config",
        }
        raise BadInput(
            f"input signature-{given[policy.method]} cannot be used:"
            f" {printable(str(error) or type(error).__name__, 300)}",
            "It is what `model_signing verify` takes under that name",
        ) from error


def _client_trust(text: str) -> str:
    """Return Sigstore's trust configuration, around what may be a bare trusted root."""
    document = json.loads(text)
    if "trustedRoot" in document:
        return text
    signing = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}
    whole = {"mediaType": _CLIENT_TRUST, "trustedRoot": document, "signingConfig": signing}
    return json.dumps(whole)


def _signer(bundle: Bundle, policy: SignaturePolicy) -> SignedBy:
    """Return whom the signature will be proven to be of; raise what `verify` raises."""
    match policy.method:
        case "key":
            signer, issuer = _fingerprint(policy.public_key), ""
        case "certificate":
            signer, issuer = _subject(bundle, policy.identity)
        case "sigstore":
            signer, issuer = policy.identity, policy.identity_provider
    return SignedBy(policy.method, signer, issuer, bundle.path, bundle.sha256)


def _fingerprint(pem: str) -> str:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise BadInput(
            "input signature-public-key is not a public key in PEM",
            "It begins with BEGIN PUBLIC KEY",
        ) from error
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def _subject(bundle: Bundle, identity: str) -> tuple[str, str]:
    """Return whom the certificate is of, and its issuer; it has to have `identity`, if given."""
    try:
        certificate = x509.load_der_x509_certificate(bundle.certificate)
        names = [certificate.subject.rfc4514_string(), *_alternative_names(certificate)]
    except ValueError as error:
        raise PolicyRefused(
            f"the signature {printable(bundle.path, 200)!r} has no certificate in it",
            "It was made with a key or by Sigstore: require that, or sign with a certificate",
        ) from error
    if identity and identity not in names:
        raise PolicyRefused(
            f"the signature {printable(bundle.path, 200)!r} is of"
            f" {printable(', '.join(filter(None, names)), 300)!r}, not of"
            f" {printable(identity, 200)!r}",
            "Nothing was downloaded. signature-identity says who is trusted",
        )
    signer = identity or next(filter(None, names), "a certificate without a name")
    return signer, certificate.issuer.rfc4514_string()


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    kinds = (x509.RFC822Name, x509.UniformResourceIdentifier, x509.DNSName)
    return [str(name) for kind in kinds for name in found.get_values_for_type(kind)]
