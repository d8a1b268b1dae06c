"""The record of one download: `model.json` and the checksums. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from studio_action.download.base import Origin, Verified
from studio_action.model.artifact import Resolution
from studio_action.model.digest import Digest
from studio_action.model.plan import Filters
from studio_action.policy.policy import Applied

if TYPE_CHECKING:
    from studio_action.signature.policy import SignedBy

SCHEMA = "urn:studio-action:manifest:v1"
"""The `$id` of docs/manifest.schema.json; its version grows when a reader would have to change."""


_encode = json.JSONEncoder(ensure_ascii=False).encode
_text = json.encoder.encode_basestring


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file as it came to lie in the workspace.

    `path` is relative to the workspace, `source_path` to the repository; `size` in bytes; `md5`
    and `sha256` are of the bytes as they are; `origin` says where they came from.
    """

    path: str
    source_path: str
    size: int
    md5: str
    sha256: str
    verified: Verified
    origin: Origin


@dataclass(frozen=True, slots=True)
class Download:
    """A finished download; `path` is the model's own, relative to the workspace.

    `signatures` are those of the model that were required and verified; `policy` has the rules
    that it fulfils, by their files.
    """

    resolution: Resolution
    path: str
    digest: Digest | None
    filters: Filters
    files: tuple[FileRecord, ...]
    transferred: int
    started: datetime
    seconds: float
    signatures: tuple[SignedBy, ...] = ()
    policy: tuple[Applied, ...] = ()

    @property
    def size(self) -> int:
        """Return the bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def cached(self) -> bool:
        """Return whether nothing had to be downloaded."""
        return all(file.origin != "storage" for file in self.files)


def folder_for(resolution: Resolution, dest: str) -> str:
    """Return the name of the record's folder: one for each model and destination.

    Two steps of one job that fetch two models, or one model twice, keep two records.
    """
    name = str(resolution.artifact.model)
    identity = "\n".join((resolution.artifact.repository, name, dest))
    mark = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:80]}-{mark}"


def document(download: Download) -> str:
    """Return the text of `model.json`. It has no URL of a file: signed URLs are secrets."""
    resolution = download.resolution
    head = {
        "schema": SCHEMA,
        "repository": resolution.artifact.repository,
        "model": str(resolution.artifact.model),
        "asked": str(resolution.selector),
        "version": resolution.version,
        "stage": resolution.stage,
        "tag": resolution.tag,
        "revision": resolution.revision,
        "previous_version": resolution.previous_version,
        "signed_tags": [asdict(each) for each in resolution.signed_tags],
        "source": resolution.source,
        "digest": digest_text(download.digest),
        "path": download.path,
        "size": download.size,
        "transferred": download.transferred,
        "include": list(download.filters.include),
        "exclude": list(download.filters.exclude),
        "started": download.started.isoformat(timespec="milliseconds"),
        "seconds": round(download.seconds, 3),
        "signatures": [asdict(each) for each in download.signatures],
        "policy": [_rules(each) for each in download.policy],
    }
    lines = [f"  {_json(name)}: {_json(value)}" for name, value in head.items()]
    rows = ",\n".join(map(_row, download.files))
    return "{\n" + ",\n".join([*lines, f'  "files": [\n{rows}\n  ]']) + "\n}\n"


def _json(value: object) -> str:
    return _encode(value)


def _rules(applied: Applied) -> dict[str, str | list[str]]:
    file, rules = applied.file, [rule.name for rule in applied.rules]
    return {"file": file.path, "revision": file.revision, "rules": rules}


def _row(file: FileRecord) -> str:
    """Return one line of the files; only the paths are anybody's text."""
    return (
        f'    {{"path": {_text(file.path)}, "source_path": {_text(file.source_path)},'
        f' "size": {file.size}, "md5": "{file.md5}", "sha256": "{file.sha256}",'
        f' "verified": "{file.verified}", "origin": "{file.origin}"}}'
    )


def checksums(files: Sequence[FileRecord]) -> str:
    """Return the files' SHA-256, for `sha256sum --check` in the workspace."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files)


def timestamp(when: datetime) -> str:
    """Return a moment in UTC, as RFC 3339 has it with `Z`."""
    utc = when.astimezone(timezone.utc)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def finished_on(download: Download) -> str:
    """Return when all files were in place."""
    return timestamp(download.started + timedelta(seconds=download.seconds))


def digest_text(digest: Digest | None) -> str:
    """Return a digest as outputs and records have it; '' where it is unknown."""
    return f"md5:{digest.hex}" if digest else ""
