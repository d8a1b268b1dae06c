"""An in-toto statement about one download: what later steps sign, and hand on. Pure.

The statement is not signed here. `docs/attestation.md` says what it means, and how it is signed
(https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from studio_action import __version__
from studio_action.ci.job import Job
from studio_action.outputs.manifest import (
    Download,
    FileRecord,
    checksums,
    digest_text,
    finished_on,
    timestamp,
)

if TYPE_CHECKING:
    from studio_action.signature.policy import SignedBy

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:studio-action:model-download:v1"
"""The `$id` of docs/predicate.schema.json; its version grows when a reader would have to change."""

MOST_SUBJECTS = 1024
"""Subjects of one statement that `actions/attest` makes, and sigstore's verifiers read."""
MOST_SUBJECT_BYTES = 512 * MOST_SUBJECTS
"""Bytes that `actions/attest` reads as `subject-checksums`."""

CHECKSUMS_NAME = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Attestation:
    """A statement and its two parts, for tools that put them together themselves.

    `subjects` are lines as `sha256sum` writes them; `predicate` and `statement` are JSON.
    """

    subjects: str
    predicate: str
    statement: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One artifact that a statement is about; `sha256` is hexadecimal."""

    name: str
    sha256: str


def attest(download: Download, manifest: str, job: Job) -> Attestation:
    """Return the statement about `download`, whose record is the text `manifest`."""
    subjects, predicate = subjects_of(download), _predicate(download, manifest, job)
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": each.name, "digest": {"sha256": each.sha256}} for each in subjects],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    return Attestation(_lines(subjects), _json(predicate), _json(statement))


def subjects_of(download: Download) -> tuple[Subject, ...]:
    """Return the files by their paths in the repository; the list of them where they are too many.

    The list is the file of checksums in the record's folder.
    """
    files = tuple(Subject(each.source_path, each.sha256) for each in download.files)
    if len(files) <= MOST_SUBJECTS and len(_lines(files).encode()) <= MOST_SUBJECT_BYTES:
        return files
    return (Subject(CHECKSUMS_NAME, _sha256(checksums(download.files))),)


def _lines(subjects: Sequence[Subject]) -> str:
    return "".join(f"{each.sha256}  {each.name}\n" for each in subjects)


def _predicate(download: Download, manifest: str, job: Job) -> dict[str, Any]:
    resolution = download.resolution
    return _known(
        {
            "repository": resolution.artifact.repository,
            "model": str(resolution.artifact.model),
            "requested": str(resolution.selector),
            "version": resolution.version,
            "stage": resolution.stage,
            "tag": resolution.tag,
            "commit": resolution.revision,
            "signedTags": [asdict(each) for each in resolution.signed_tags],
            "source": resolution.source,
            "digest": digest_text(download.digest),
            "verification": dict(Counter(each.verified for each in download.files)),
            "files": _files(download.files),
            "signatures": [_signature(each) for each in download.signatures],
            "manifest": {"name": "model.json", "digest": {"sha256": _sha256(manifest)}},
            "startedOn": timestamp(download.started),
            "finishedOn": finished_on(download),
            "tool": {"name": "studio-action", "version": __version__},
            "job": _known(
                {
                    "system": job.system,
                    "url": job.url,
                    "repository": job.repository,
                    "commit": job.revision,
                }
            ),
        }
    )


def _files(files: Sequence[FileRecord]) -> list[dict[str, str | int]]:
    """Return how each file was verified; nothing where the files are too many."""
    if len(files) > MOST_SUBJECTS:
        return []
    return [
        {
            "name": each.source_path,
            "path": each.path,
            "size": each.size,
            "verified": each.verified,
            "origin": each.origin,
        }
        for each in files
    ]


def _signature(signed: SignedBy) -> dict[str, Any]:
    return _known(
        {
            "method": signed.method,
            "signer": signed.signer,
            "issuer": signed.issuer,
            "bundle": {"name": signed.path, "digest": {"sha256": signed.sha256}},
        }
    )


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not known, so that a policy sees it as missing."""
    return {name: value for name, value in values.items() if value}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _json(document: dict[str, Any]) -> str:
    """Return a document with a line for each part, and for each entry of a list.

    With `indent`, Python's own encoder would be used, which takes as long for a file as its
    download.
    """
    parts = ",\n".join(f"  {_encode(name)}: {_lines_of(part)}" for name, part in document.items())
    return f"{{\n{parts}\n}}\n"


def _lines_of(part: object) -> str:
    if not isinstance(part, list) or not part:
        return _encode(part)
    return "[\n" + ",\n".join(f"    {_encode(each)}" for each in part) + "\n  ]"
