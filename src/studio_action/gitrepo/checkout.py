"""The checkout in the workspace, which is only ever read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

_SECONDS = 10
_NO_PROMPT = {"GIT_TERMINAL_PROMPT": "0"}
_GIT = ("git", "-c", "safe.directory=*")


def tracks(folder: Path, path: str, environ: Mapping[str, str]) -> bool:
    """Return whether Git has, or may have, brought the file `path` of the checkout at `folder`.

    It has not if no link and no other repository is on the way to it, and Git clearly says so.
    """
    place = folder / path
    if Path(os.path.realpath(place)) != Path(os.path.realpath(folder), path):
        return True
    between = [folder / each for each in PurePosixPath(path).parents if each != PurePosixPath()]
    if any(os.path.lexists(each / ".git") for each in between):  # a submodule's files are its own
        return True
    try:
        found = subprocess.run(
            # Some file systems know no cases.
            [*_GIT, "ls-files", "-z", "--", f":(icase,literal){path}"],
            cwd=folder,
            env={**environ, **_NO_PROMPT},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    return found.returncode != 0 or bool(found.stdout)


def origin(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the URL of the remote `origin` of the checkout at `folder`; '' where there is none."""
    try:
        found = subprocess.run(
            [*_GIT, "config", "--get", "remote.origin.url"],
            cwd=folder,
            env={**environ, **_NO_PROMPT},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
