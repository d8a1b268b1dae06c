"""Which certificate authorities are trusted: one PEM file for Studio and storage alike."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi

from studio_action.errors import BadInput


def system_bundle() -> Path:
    """The system's own authorities, or certifi's where the system has no file of them."""
    known = ssl.get_default_verify_paths().openssl_cafile
    candidates = (known, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
    return next((Path(each) for each in candidates if Path(each).is_file()), Path(certifi.where()))


def ca_bundle(pem: str, *, instead: bool, folder: Path) -> Path:
    """One PEM file with what is to be trusted; a joined one is made in `folder`.

    `pem` is a path or PEM text and comes on top of the system's authorities, or `instead` of them.
    Raises `BadInput` for a file that cannot be read or holds no certificate.
    """
    if not pem:
        return system_bundle()
    given = pem if "-----BEGIN" in pem else _read(pem)
    if instead and "-----BEGIN" not in pem:
        return Path(pem)
    joined = given if instead else f"{system_bundle().read_text('utf-8')}\n{given}"
    bundle = folder / "authorities.pem"
    bundle.write_text(joined + "\n", "utf-8")
    return bundle


def _read(path: str) -> str:
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise BadInput(f"input ca-bundle: {path!r} cannot be read: {reason}") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise BadInput(f"input ca-bundle: {path!r} holds no certificate", "Give a PEM file")
    return text
