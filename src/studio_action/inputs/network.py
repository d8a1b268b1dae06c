"""How connections are made: how patiently, whom they trust, and by which proxies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.net.certificates import Authorities
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import proxies_of


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """Whom to trust, and the proxies by scheme, which may hold passwords."""

    authorities: Authorities = field(default_factory=Authorities)
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_limits(inputs: Inputs) -> Limits:
    """Read inputs `timeout`, `retries` and `deadline`, which begins to count here."""
    deadline = inputs["deadline"]
    return Limits(
        parsers.seconds(inputs["timeout"]),
        parsers.count(inputs["retries"], 0, 100),
        Deadline(parsers.seconds(deadline) if deadline.text else None),
    )


def read_network(inputs: Inputs) -> NetworkOptions:
    """Read input `ca-bundle`, and the proxies that the environment names."""
    return NetworkOptions(_authorities(inputs["ca-bundle"]), proxies_of(inputs.environ))


def _authorities(bundle: Value) -> Authorities:
    """Read PEM text, or the PEM file at a path."""
    instead = bundle.origin in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    if not bundle.text or "-----BEGIN" in bundle.text:
        return Authorities(bundle.text, instead)
    pem = parsers.file_text(bundle)
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise bundle.refuse("contains no certificate", "Give a PEM file")
    return Authorities(pem, instead, parsers.path(bundle))
