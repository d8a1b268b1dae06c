"""Whether each locked package has a wheel for each architecture: an image compiles nothing."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from release.building import base_image, run

LOCKS = ("build", "runtime", "slim", "server")
PLATFORMS = {"amd64": "x86_64-manylinux_2_36", "arm64": "aarch64-manylinux_2_36"}
"""What pip would take on Debian 12, whose glibc is 2.36."""


def check(root: Path) -> Iterator[str]:
    """Yield a line for each lock and architecture; raise `Unreachable` if a wheel is missing."""
    python = (
        base_image((root / "Dockerfile").read_text("utf-8")).partition(":")[2].partition("-")[0]
    )
    with tempfile.TemporaryDirectory() as folder:
        for architecture, platform in PLATFORMS.items():
            for lock in LOCKS:
                file = root / "requirements" / f"{lock}.txt"
                run(
                    sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--quiet",
                    "--no-deps", "--only-binary=:all:", "--require-hashes",
                    f"--python-platform={platform}",
                    f"--python-version={python}", f"--target={folder}", f"--requirements={file}",
                )  # fmt: skip
                yield f"requirements/{lock}.txt has a wheel of each package for {architecture}"
