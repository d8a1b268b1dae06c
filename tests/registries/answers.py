"""What a registry has to answer about the sample, as the real gto and dvc have it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from studio_action.model import plan
from studio_action.model.artifact import AtStage, AtVersion, Resolution, Selector
from tests import sample


def at(name: str, version: str) -> Selector:
    """What asks for a version: for a commit that is not registered, its stage."""
    if version.startswith("v"):
        return AtVersion(version)
    stages: dict[str, str] = sample.expected()["models"][name]["stages"]
    return next(AtStage(stage) for stage, holder in stages.items() if holder == version)


def check(resolution: Resolution, content: Mapping[str, bytes], found: Mapping[str, Any]) -> None:
    """Assert that what is resolved, and the bytes that came, are those of the real dvc."""
    assert (resolution.revision, resolution.root) == (found["revision"], found["path"])
    files = sorted(found["files"], key=lambda file: str(file["path"]))
    assert [file.path for file in resolution.files] == [file["path"] for file in files]
    digest = plan.digest_of(resolution.files, found["path"])
    assert digest is not None
    assert f"md5:{digest.hex}" == found["digest"]
    sizes = {file.path: file.size for file in resolution.files if file.size is not None}
    assert sizes.items() <= {file["path"]: file["size"] for file in files}.items()
    if found["hash"] == "md5":
        digests = {file.path: str(file.digest) for file in resolution.files}
        assert digests == {file["path"]: f"md5:{file['md5']}" for file in files}
    assert {path: hashlib.md5(each).hexdigest() for path, each in content.items()} == {
        file["path"]: file["md5"] for file in files
    }
