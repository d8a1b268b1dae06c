"""The record of a download: files in our own folder of the workspace, one folder for each model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from studio_action.ci.job import Job
from studio_action.outputs import attestation, manifest
from studio_action.workspace.workspace import Workspace

Record = tuple[str, str]
"""The name of a file, and its text."""


def keep(
    download: manifest.Download, dest: Path, workspace: Workspace, job: Job, *, ml_bom: bool
) -> dict[str, str]:
    """Write the record of `download` into `dest`; return the paths of its files by their outputs.

    The paths are relative to the workspace. With `ml_bom`, a bill of materials is one of them.
    """
    folder = workspace.state(manifest.folder_for(download.resolution, workspace.relative(dest)))
    paths = {}
    for output, (name, text) in _records(download, job, ml_bom=ml_bom).items():
        workspace.write(folder / name, text)
        paths[output] = workspace.relative(folder / name)
    return paths


def _records(download: manifest.Download, job: Job, *, ml_bom: bool) -> Mapping[str, Record]:
    document = manifest.document(download)
    attested = attestation.attest(download, document, job)
    records = {
        "manifest": ("model.json", document),
        "checksums": (attestation.CHECKSUMS_NAME, manifest.checksums(download.files)),
        "attestation": ("statement.json", attested.statement),
        "attestation-predicate": ("predicate.json", attested.predicate),
        "attestation-subjects": ("subjects.sha256", attested.subjects),
    }
    if ml_bom:
        from studio_action.outputs import ml_bom as bill  # late: few steps ask for one

        records["ml-bom"] = ("ml-bom.cdx.json", bill.document(download, document, job.server))
    return records
