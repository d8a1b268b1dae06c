"""How fast a storage sends: the first megabytes of one file, which are thrown away."""

from __future__ import annotations

from dataclasses import dataclass

from studio_action.download.answers import RangeRequest
from studio_action.download.connections import Connections, Get
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Limits
from studio_action.net.network import Network

SAMPLE = 8 << 20
"""Bytes that are fetched at most, over one connection."""
PATIENCE = 3.0
"""Seconds after which what came is enough."""


@dataclass(eq=False, slots=True)
class _Sample:
    """Counts what comes of one answer; implements `connections.Receiver`."""

    come: int = 0

    def begin(self, status: int, headers: dict[str, str]) -> bool:
        return status in (200, 206)

    def receive(self, data: bytes) -> bool:
        self.come += len(data)
        return self.come < SAMPLE


def measured(file: RemoteFile, network: Network, limits: Limits) -> float | None:
    """Return bytes a second, from the request to the last byte; None where no URL opens the file.

    Raises `DeadlinePassed`.
    """
    if file.local_path is not None or not file.url.startswith(("http://", "https://")):
        return None
    deadline, sample = limits.deadline, _Sample()
    connections = Connections(network, limits.timeout)
    began = deadline.clock.now()
    try:
        headers = RangeRequest(0, SAMPLE).headers
        connections.start(Get(file.url, headers, file.headers, file.tls_verify), sample)
        while len(connections) and deadline.clock.now() - began < PATIENCE:
            deadline.check()
            connections.poll(min(0.1, deadline.remaining()))
    finally:
        connections.close()
    took = deadline.clock.now() - began
    return sample.come / took if sample.come and took > 0 else None
