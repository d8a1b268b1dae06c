"""What is measured, and what it has to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks import tools
from benchmarks.tools import Tool

ROUND_TRIP = 0.040
RATE = 125e6
"""The emulated link: seconds, and bytes a second (1 Gbit/s)."""


@dataclass(frozen=True)
class Scenario:
    """One work, done by several tools in turn.

    `way` is a port of the storage, or the emulated link. `least` says, by tool, how many times as
    fast as it we have to be.
    """

    name: str
    title: str
    model: str
    way: str
    tools: Mapping[str, Tool]
    least: Mapping[str, float] = field(default_factory=dict)
    most_memory: float | None = None


SCENARIOS = (
    Scenario(
        "capped",
        "1 GiB over TLS, 50 MB/s a connection",
        "gib",
        "capped",
        {
            "studio-action": tools.ours,
            "dvc artifacts get": tools.dvc,
            "aria2c -x16, then md5sum and sha256sum": tools.aria2,
            "rclone, 16 streams": tools.rclone,
            "hf_transfer, 16 parts": tools.hf_transfer,
            "s5cmd, 16 parts": tools.s5cmd,
            "the documentation's loop": tools.loop,
        },
        {"dvc artifacts get": 4, "aria2c -x16, then md5sum and sha256sum": 1.6},
    ),
    Scenario(
        "unlimited",
        "1 GiB over TLS, no limit",
        "gib",
        "tls",
        {
            "studio-action": tools.ours,
            "dvc artifacts get": tools.dvc,
            "aria2c -x16, then md5sum and sha256sum": tools.aria2,
            "rclone, 16 streams": tools.rclone,
            "hf_transfer, 16 parts": tools.hf_transfer,
            "s5cmd, 16 parts": tools.s5cmd,
            "curl": tools.curl,
            "the documentation's loop": tools.loop,
        },
        {"aria2c -x16, then md5sum and sha256sum": 2, "curl": 0.65},
    ),
    Scenario(
        "link",
        "1 GiB over TLS, 40 ms round trip, 1 Gbit/s",
        "gib",
        "link",
        {
            "studio-action": tools.ours,
            "curl, 16 ranges to /dev/null": tools.curl_parts,
            "curl": tools.curl,
            "rclone, 16 streams": tools.rclone,
        },
        {"the link's rate": 0.88},
    ),
    Scenario(
        "many",
        "10,000 files of 4 KiB over TLS",
        "many",
        "tls",
        {
            "studio-action": tools.ours,
            "dvc artifacts get": tools.dvc,
            "curl -Z --parallel-max 64": tools.curl,
            "rclone, 64 at once": tools.rclone,
            "s5cmd": tools.s5cmd,
            "the documentation's loop": tools.loop,
        },
        {"dvc artifacts get": 7, "curl -Z --parallel-max 64": 0.8},
    ),
    Scenario(
        "step",
        "the whole step, one file of 1 KB over TLS",
        "kb",
        "tls",
        {"studio-action": tools.ours, "dvc artifacts get": tools.dvc},
        {"dvc artifacts get": 4},
    ),
    Scenario(
        "memory",
        "4 GiB over TLS, no limit",
        "4gib",
        "tls",
        {"studio-action": tools.ours},
        most_memory=150,
    ),
)
