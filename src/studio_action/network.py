"""How the network is to be used: which authorities are trusted and which proxies stand between."""

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
        """The proxy for URLs of `scheme`; empty for none."""
        return self.proxies.get(scheme, "")
