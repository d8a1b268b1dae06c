"""Which certificate authorities are trusted: one PEM file for Studio and storage alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Authorities:
    """Authorities that are trusted besides the system's or, if `instead`, without them.

    `pem` is PEM text, '' for the system's alone; `file` is where it was read from.
    """

    pem: str = ""
    instead: bool = False
    file: Path | None = None


def system_bundle() -> Path:
    """Return the system's own authorities, or certifi's where the system has no file of them."""
    import ssl  # late, as all that not every run needs

    known = ssl.get_default_verify_paths().openssl_cafile
    candidates = (known, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
    found = next((Path(each) for each in candidates if Path(each).is_file()), None)
    if found is None:
        import certifi

        return Path(certifi.where())
    return found


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
