"""What must lie in a workspace, as the real gto and dvc say it of the sample registry."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests import sample


def files(model: str, stage: str) -> dict[str, str]:
    """MD5 by path in the repository, of the version that holds the stage."""
    found = sample.expected()["models"][model]
    version = found["versions"][found["stages"][stage]]
    return {file["path"]: file["md5"] for file in version["files"]}


def digest(model: str, stage: str) -> str:
    """DVC's own hash of that version."""
    found = sample.expected()["models"][model]
    return str(found["versions"][found["stages"][stage]]["digest"])


def found_in(folder: Path) -> dict[str, str]:
    """MD5 by path, of all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
