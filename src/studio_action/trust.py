"""Which certificate authorities are trusted: one PEM file for Studio and storage alike."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import certifi

from studio_action.errors import BadInput

_PEM = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class Authorities:
    """Authorities that are trusted besides the system's or, if `instead`, without them.

    `pem` is PEM text, '' for the system's alone; `file` is where it was read from.
    """

    pem: str = ""
    instead: bool = False
    file: Path | None = None

    @classmethod
    def read(cls, bundle: str, *, instead: bool) -> Authorities:
        """Read `bundle`, PEM text or the path of a PEM file; '' is the system's own.

        Raises `BadInput` for a file that cannot be read or holds no certificate.
        """
        if not bundle or _PEM in bundle:
            return cls(bundle, instead)
        return cls(_read(bundle), instead, Path(bundle))


def system_bundle() -> Path:
    """Return the system's own authorities, or certifi's where the system has no file of them."""
    known = ssl.get_default_verify_paths().openssl_cafile
    candidates = (known, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
    return next((Path(each) for each in candidates if Path(each).is_file()), Path(certifi.where()))


def ca_bundle(authorities: Authorities, folder: Path) -> Path:
    """Return one PEM file with what is to be trusted; a joined one is made in `folder`."""
    if not authorities.pem:
        return system_bundle()
    if authorities.instead and authorities.file:
        return authorities.file
    system = "" if authorities.instead else f"{system_bundle().read_text('utf-8')}\n"
    bundle = folder / "authorities.pem"
    bundle.write_text(f"{system}{authorities.pem}\n", "utf-8")
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
