"""Git repositories as a CI system's runner hands them to a job."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def git_init(folder: Path, origin: str) -> None:
    """Commit what is in `folder` to a new repository there; its owner owns that, too."""
    owner = folder.stat()
    os.chown(folder, os.getuid(), os.getgid())  # Git works in no folder of somebody else
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", origin],
        ["add", "--all"],
        [*_IDENTITY, "commit", "--quiet", "--allow-empty", "--message=all"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
