"""The sample registry in `fixtures/registry`: a repository, its objects, the true answers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FOLDER = Path(__file__).parent / "fixtures" / "registry"
BUNDLE = FOLDER / "repository.bundle"
OBJECTS = FOLDER / "objects"
EXPECTED = FOLDER / "expected.json"
REMOTES = {
    "storage": {"url": str(OBJECTS / "s3/models/registry")},
    "azure": {"url": str(OBJECTS / "azure/models/registry")},
    "web": {"url": str(OBJECTS / "https/models.example.com/registry")},
    "shelf": {"url": str(OBJECTS / "file/srv/models/registry")},
}
"""The remotes of the repository, by name, as folders of this machine."""


@cache
def expected() -> Any:
    """What the real gto and dvc say about every model, version and stage."""
    return json.loads(EXPECTED.read_text())


def object_path(url: str) -> Path:
    """Where the object of `s3://bucket/key`, or of another remote's URL, is kept."""
    parts = urlsplit(url)
    return OBJECTS / (parts.scheme or "file") / parts.netloc / parts.path.lstrip("/")


def objects(scheme: str, netloc: str) -> dict[str, bytes]:
    """Every object of one bucket, container or host, by its key."""
    root = OBJECTS / scheme / netloc
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }
