"""The checkout in the workspace, which is only ever read."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

_SECONDS = 10


def origin(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the URL of the remote `origin` of the checkout at `folder`; '' where there is none."""
    try:
        found = subprocess.run(
            ["git", "-c", "safe.directory=*", "config", "--get", "remote.origin.url"],
            cwd=folder,
            env={**environ, "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
