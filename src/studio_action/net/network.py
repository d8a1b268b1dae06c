"""The settings of every connection: trusted authorities and proxies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Network:
    """Settings for every connection, to Studio and to storage alike.

    `ca_bundle` is a PEM file, None for the TLS library's own. `proxies` has `http`, `https` and
    `no`, with values as the environment spells them; they may hold passwords, so the repr has none.
    """

    ca_bundle: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)

    def proxy_for(self, scheme: str) -> str:
        """Return the proxy for URLs of `scheme`; '' for none."""
        return self.proxies.get(scheme, "")


def proxies_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies that the environment names, by scheme, and `no` for where none is used."""
    found = {
        scheme: environ.get(f"{scheme}_proxy")
        or environ.get(f"{scheme.upper()}_PROXY")
        or environ.get("all_proxy")
        or environ.get("ALL_PROXY")
        or ""
        for scheme in ("http", "https")
    }
    found["no"] = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return {scheme: proxy.strip() for scheme, proxy in found.items() if proxy.strip()}
