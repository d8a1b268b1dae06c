"""What a repository's models are, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from studio_action.artifact import ArtifactRef, AtVersion, ModelName, RemoteFile, Resolution
from studio_action.errors import DeadlinePassed, NotFound, PolicyRefused, StudioActionError
from studio_action.gitrepo.diagnosis import Finding
from studio_action.gitrepo.history import Model, Version
from studio_action.registries.base import Registry
from studio_action.text import human_size, printable

CODES = {"error": NotFound.exit_code, "warning": PolicyRefused.exit_code, "note": 0}
"""The exit code by the worst finding."""

Lost = Callable[[Sequence[RemoteFile]], Sequence[RemoteFile]]
"""Tells which of some files their storage does not have."""


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
        """By the worst finding: an error before a warning before a note."""
        found = {finding.severity for finding in self.findings}
        return next((code for severity, code in CODES.items() if severity in found), 0)

    @property
    def document(self) -> str:
        """All of it as JSON."""
        return json.dumps(asdict(self), indent=2)

    def lines(self) -> Iterator[str]:
        """All of it as text for people: a table, then what was found."""
        head = ("MODEL", "VERSION", "STAGES", "COMMIT", "FILES", "SIZE")
        table = [head, *(_cells(row) for row in self.versions)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for cells in table:
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            yield "  ".join(padded).rstrip()
        if not self.findings:
            yield "Nothing is wrong."
        for finding in self.findings:
            yield printable(f"{finding.severity}: {finding.model}: {finding.text}")


def examine(
    repository: str,
    models: Mapping[ModelName, Model],
    registry: Registry,
    of_tags: Sequence[Finding],
    lost: Lost,
) -> Diagnosis:
    """Look at every registered version: whether it resolves, and whether its bytes are there."""
    rows: list[Row] = []
    findings = list(of_tags)
    for name in sorted(models, key=str):
        model = models[name]
        for version in (each for each in model.versions if each.registered):
            found = _resolved(ArtifactRef(repository, name), version, registry)
            if isinstance(found, Finding):
                findings.append(found)
            else:
                findings.extend(_lost_files(str(name), version, found, lost))
            rows.append(_row(model, version, found))
    return Diagnosis(repository, tuple(rows), tuple(findings))


def _resolved(artifact: ArtifactRef, version: Version, registry: Registry) -> Resolution | Finding:
    try:
        return registry.resolve(artifact, AtVersion(version.name))
    except DeadlinePassed:
        raise
    except StudioActionError as error:
        broken = isinstance(error, NotFound)
        return Finding(
            "error" if broken else "warning", str(artifact.model), f"{version.name}: {error}"
        )


def _lost_files(model: str, version: Version, found: Resolution, lost: Lost) -> Iterator[Finding]:
    for file in lost(found.files):
        host = urlsplit(file.url).hostname or "a folder"
        yield Finding(
            "error",
            model,
            f"{version.name}: {printable(file.path, 200)!r} is not in its remote ({host})."
            f" {file.remedy}",
        )


def _row(model: Model, version: Version, found: Resolution | Finding) -> Row:
    stages = [stage for stage in sorted(model.stages) if model.in_stage(stage) == version]
    files = found.files if isinstance(found, Resolution) else ()
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
