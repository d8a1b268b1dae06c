"""The record of a download: files in our own folder of the workspace, one folder for each model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from studio_action.ci.job import Job
from studio_action.outputs import attestation, manifest
from studio_action.workspace.workspace import Workspace

Record = tuple[str, str]
"""The name of a file, and its text."""


def keep(download: manifest.Download, dest: Path, workspace: Workspace, job: Job) -> dict[str, str]:
    """Write the record of `download` into `dest`; return the paths of its files by their outputs.

    The paths are relative to the workspace.
    """
    folder = workspace.state(manifest.folder_for(download.resolution, workspace.relative(dest)))
    paths = {}
    for output, (name, text) in _records(download, job).items():
        workspace.write(folder / name, text)
        paths[output] = workspace.relative(folder / name)
    return paths


def _records(download: manifest.Download, job: Job) -> Mapping[str, Record]:
    document = manifest.document(download)
    attested = attestation.attest(download, document, job)
    return {
        "manifest": ("model.json", document),
        "checksums": (attestation.CHECKSUMS_NAME, manifest.checksums(download.files)),
        "attestation": ("statement.json", attested.statement),
        "attestation-predicate": ("predicate.json", attested.predicate),
        "attestation-subjects": ("subjects.sha256", attested.subjects),
    }
