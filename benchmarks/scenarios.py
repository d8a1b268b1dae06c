"""What is measured, and what it has to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks import tools
from benchmarks.tools import Tool

ALONE = "the slower of MD5 alone and dvc"
"""What one file takes at least: its MD5 is one chain; dvc verifies nothing."""
LINK = "the link's rate"


@dataclass(frozen=True)
class Way:
    """How the storage is reached: its path, and the emulated link before it, if there is one.

    `round_trip` in seconds, `rate` in bytes a second, `loss` a share of the segments.
    """

    path: str = ""
    round_trip: float = 0.0
    rate: float = 0.0
    loss: float = 0.0


NEAR = Way()
CAPPED = Way("/capped")
"""50 MB/s a connection."""
GIGABIT = Way(round_trip=0.040, rate=125e6)
FAST_CAPPED = Way("/capped", round_trip=0.040, rate=312.5e6)
LOSSY = Way(round_trip=0.080, rate=125e6, loss=0.01)


@dataclass(frozen=True)
class Scenario:
    """One work, done by several tools in turn.

    `least` says, by tool, how many times as fast as it we have to be. Tools that are far slower
    than ours run `once` only.
    """

    name: str
    title: str
    model: str
    way: Way
    tools: Mapping[str, Tool]
    least: Mapping[str, float] = field(default_factory=dict)
    most_memory: float | None = None
    once: frozenset[str] = frozenset()


SCENARIOS = (
    Scenario(
        "capped",
        "1 GiB over TLS, 50 MB/s a connection",
        "gib",
        CAPPED,
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
        once=frozenset({"dvc artifacts get", "the documentation's loop"}),
    ),
    Scenario(
        "unlimited",
        "1 GiB over TLS, no limit",
        "gib",
        NEAR,
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
        {"aria2c -x16, then md5sum and sha256sum": 2, ALONE: 1 / 1.15},
    ),
    Scenario(
        "link",
        "1 GiB over TLS, 40 ms round trip, 1 Gbit/s",
        "gib",
        GIGABIT,
        {
            "studio-action": tools.ours,
            "curl, 16 ranges to /dev/null": tools.curl_parts,
            "curl": tools.curl,
            "rclone, 16 streams": tools.rclone,
        },
        {LINK: 0.88},
    ),
    Scenario(
        "many",
        "10,000 files of 4 KiB over TLS",
        "many",
        NEAR,
        {
            "studio-action": tools.ours,
            "dvc artifacts get": tools.dvc,
            "curl -Z --parallel-max 64": tools.curl,
            "rclone, 64 at once": tools.rclone,
            "s5cmd": tools.s5cmd,
            "the documentation's loop": tools.loop,
        },
        {"dvc artifacts get": 7, "curl -Z --parallel-max 64": 0.7},
        once=frozenset({"the documentation's loop", "rclone, 64 at once"}),
    ),
    Scenario(
        "step",
        "the whole step, one file of 1 KB over TLS",
        "kb",
        NEAR,
        {"studio-action": tools.ours, "dvc artifacts get": tools.dvc},
        {"dvc artifacts get": 4},
    ),
    Scenario(
        "memory",
        "4 GiB over TLS, no limit",
        "4gib",
        NEAR,
        {"studio-action": tools.ours, "dvc artifacts get": tools.dvc},
        {ALONE: 1 / 1.15},
        most_memory=150,
    ),
    Scenario(
        "fast-capped",
        "1 GiB over TLS, 40 ms round trip, 2.5 Gbit/s, 50 MB/s a connection",
        "gib",
        FAST_CAPPED,
        {
            "studio-action": tools.ours,
            "aria2c -x16, then md5sum and sha256sum": tools.aria2,
            "rclone, 16 streams": tools.rclone,
            "curl, 16 ranges to /dev/null": tools.curl_parts,
        },
        {LINK: 0.85},
    ),
    Scenario(
        "lossy",
        "16 MiB over TLS, 80 ms round trip, 1 % loss",
        "16mib",
        LOSSY,
        {
            "studio-action": tools.ours,
            "dvc artifacts get": tools.dvc,
            "aria2c -x16, then md5sum and sha256sum": tools.aria2,
            "rclone, 16 streams": tools.rclone,
        },
        {"aria2c -x16, then md5sum and sha256sum": 1.15, "rclone, 16 streams": 1.15},
        once=frozenset({"dvc artifacts get"}),
    ),
    Scenario(
        "many-far",
        "10,000 files of 4 KiB over TLS, 40 ms round trip, 1 Gbit/s",
        "many",
        GIGABIT,
        {
            "studio-action": tools.ours,
            "dvc artifacts get": tools.dvc,
            "curl -Z --parallel-max 64": tools.curl,
        },
        {"dvc artifacts get": 20},
        once=frozenset({"dvc artifacts get"}),
    ),
)
