"""What a repository's models are, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from studio_action.download.sizes import Seen
from studio_action.errors import DeadlinePassed, NotFound, PolicyRefused, StudioActionError
from studio_action.gitrepo.diagnosis import Finding, Severity
from studio_action.gitrepo.gto.history import Model, Version
from studio_action.model.artifact import ArtifactRef, AtVersion, ModelName, RemoteFile, Resolution
from studio_action.registries.base import Registry
from studio_action.registries.git import pointer_in
from studio_action.text import first_few, human_size, printable

CODES = {"error": NotFound.exit_code, "warning": PolicyRefused.exit_code, "note": 0}
"""The exit code by the worst finding."""

Measure = Callable[[Sequence[RemoteFile]], Seen]
"""Returns the sizes of files, and which of them their storage does not have."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One version of one model; `size` in bytes, None where it is not known."""

    model: str
    version: str
    revision: str
    stages: tuple[str, ...]
    files: int
    size: int | None
    digest_known: bool


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was seen of one repository."""

    repository: str
    versions: tuple[Row, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """Return the code of the worst finding: an error before a warning before a note."""
        found = {finding.severity for finding in self.findings}
        return next((code for severity, code in CODES.items() if severity in found), 0)

    @property
    def document(self) -> str:
        """Return all of it as JSON."""
        return json.dumps(asdict(self), indent=2)

    def lines(self) -> Iterator[str]:
        """Yield all of it as lines for people: a table, then the findings."""
        head = ("MODEL", "VERSION", "STAGES", "COMMIT", "FILES", "SIZE")
        table = [head, *(_cells(row) for row in self.versions)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for cells in table:
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            yield "  ".join(padded).rstrip()
        if not self.findings:
            yield "No problems found."
        for finding in self.findings:
            about = f"{finding.model}: " if finding.model else ""
            yield printable(f"{finding.severity}: {about}{finding.text}")


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with one version of a model."""

    severity: Severity
    model: str
    version: str
    text: str


def examine(
    repository: str,
    models: Mapping[ModelName, Model],
    registry: Registry,
    repository_findings: Sequence[Finding],
    measure: Measure,
    warnings: Sequence[str] = (),
) -> Diagnosis:
    """Look at every registered version: whether it resolves, and whether its bytes are there.

    `warnings` are the registry's own, which it adds meanwhile, about the repository as a whole.
    """
    rows: list[Row] = []
    faults: list[_Fault] = []
    for name in sorted(models, key=str):
        model = models[name]
        for version in (each for each in model.versions if each.registered):
            found = _resolved(ArtifactRef(repository, name), version, registry)
            files: tuple[RemoteFile, ...] = ()
            if isinstance(found, _Fault):
                faults.append(found)
            else:
                seen = measure(found.files)
                files = seen.files
                faults.extend(_of_files(str(name), version.name, found, seen.lost))
            rows.append(_row(model, version, files))
    findings = [*repository_findings, *_grouped(faults)]
    known = {finding.text for finding in findings} | {fault.text for fault in faults}
    findings += [
        Finding("warning", "", text) for text in dict.fromkeys(warnings) if text not in known
    ]
    return Diagnosis(repository, tuple(rows), tuple(findings))


def _resolved(artifact: ArtifactRef, version: Version, registry: Registry) -> Resolution | _Fault:
    try:
        return registry.resolve(artifact, AtVersion(version.name))
    except DeadlinePassed:
        raise
    except StudioActionError as error:
        severity: Severity = "error" if isinstance(error, NotFound) else "warning"
        return _Fault(severity, str(artifact.model), version.name, str(error))


def _of_files(
    model: str, version: str, found: Resolution, lost: Sequence[RemoteFile]
) -> Iterator[_Fault]:
    if pointer := pointer_in(found):
        yield _Fault("error", model, version, pointer)
    by_host: dict[tuple[str, str], list[RemoteFile]] = {}
    for file in lost:
        host = urlsplit(file.url).hostname or "a folder"
        by_host.setdefault((host, file.remedy), []).append(file)
    for (host, remedy), files in by_host.items():
        shown = repr(printable(files[0].path, 200))
        which = f"{shown} is not in its remote"
        if len(files) > 1:
            which = f"{shown} and {len(files) - 1} more files are not in their remote"
        yield _Fault("error", model, version, f"{which} ({host}). {remedy}")


def _grouped(faults: Sequence[_Fault]) -> Iterator[Finding]:
    """Yield one finding for all versions that have the same fault, also of several models."""
    groups: dict[tuple[Severity, str], list[_Fault]] = {}
    for fault in faults:
        groups.setdefault((fault.severity, fault.text), []).append(fault)
    for (severity, text), same in groups.items():
        models = list(dict.fromkeys(fault.model for fault in same))
        versions = [fault.version for fault in same]
        which = versions[0]
        if len(models) > 1:
            which = f"{len(versions)} versions"
        elif len(versions) > 1:
            which = f"{len(versions)} versions ({first_few(versions, _SHOWN)})"
        yield Finding(severity, first_few(models, _SHOWN), f"{which}: {text}")


def _row(model: Model, version: Version, files: Sequence[RemoteFile]) -> Row:
    stages = [stage for stage in sorted(model.stages) if model.in_stage(stage) == version]
    sizes = [file.size for file in files if file.size is not None]
    return Row(
        str(model.name),
        version.name,
        version.revision,
        tuple(stages),
        len(files),
        sum(sizes) if files and len(sizes) == len(files) else None,
        bool(files) and all(file.digest for file in files),
    )


def _cells(row: Row) -> tuple[str, ...]:
    size = "" if row.size is None else human_size(row.size)
    files = str(row.files) if row.files else "?"
    cells = (row.model, row.version, ", ".join(row.stages), row.revision[:7], files, size)
    return tuple(map(printable, cells))
