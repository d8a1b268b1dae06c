"""The outputs of each command, made from what it found. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING

from studio_action.inputs.outputs_table import CREATE, DOWNLOAD, LISTED_FILES, RESOLVE, outputs_of
from studio_action.inputs.previous import Previous
from studio_action.model.artifact import RemoteFile, Resolution
from studio_action.model.digest import Digest
from studio_action.model.plan import Filters
from studio_action.outputs.manifest import Download, digest_text
from studio_action.studio.api import Project

if TYPE_CHECKING:
    from studio_action.outputs.download_plan import PlannedFile

_OF_THE_STEP = frozenset({"files", "models", "matrix", "plan"})


def cache_key(digest: Digest | None, filters: Filters) -> str:
    """Return a key for a CI system's cache: no commas or spaces, below 512 characters."""
    if digest is None:
        return ""
    key = f"studio-action-{digest.hex}"
    if not filters:
        return key
    chosen = json.dumps([filters.include, filters.exclude]).encode()
    return f"{key}-{hashlib.sha256(chosen).hexdigest()[:16]}"


def download_outputs(
    download: Download, records: Mapping[str, str], previous: Previous | None
) -> dict[str, str]:
    """Return the outputs of `download-model`, in order; `records` are paths by their outputs."""
    return _complete(
        DOWNLOAD,
        {
            **_identity(download.resolution, download.digest, download.filters),
            "changed": _changed(previous, download.digest),
            "path": download.path,
            "files": _listed([file.path for file in download.files]),
            "file-count": str(len(download.files)),
            "size": str(download.size),
            "cached": _flag(download.cached),
            "ml-bom": "",
            **records,
        },
    )


def dry_run_outputs(
    resolution: Resolution,
    digest: Digest | None,
    filters: Filters,
    previous: Previous | None,
    path: str,
    files: Sequence[PlannedFile],
) -> dict[str, str]:
    """Return the outputs of a download that is only planned; `path` is where the model would be."""
    sizes = [file.size for file in files]
    return {
        **dict.fromkeys(outputs_of(DOWNLOAD), ""),
        **_identity(resolution, digest, filters),
        "changed": _changed(previous, digest),
        "path": path,
        "files": _listed([file.path for file in files]),
        "file-count": str(len(files)),
        "size": _total(sizes),
        "cached": _flag(all(file.action == "keep" for file in files)),
        "skipped": _flag(False),
    }


def resolve_outputs(
    resolution: Resolution,
    files: Sequence[RemoteFile],
    digest: Digest | None,
    filters: Filters,
    previous: Previous | None = None,
) -> dict[str, str]:
    """Return the outputs of `resolve-model`, in order; `files` are those that pass the filters."""
    return _complete(
        RESOLVE,
        {
            **_identity(resolution, digest, filters),
            "changed": _changed(previous, digest),
            "files": _listed([file.path for file in files]),
            "file-count": str(len(files)),
            "size": _total([file.size for file in files]),
        },
    )


def models_outputs(
    command: str,
    models: Mapping[str, Mapping[str, str]],
    stages: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the outputs of several models, whose own are in `models`, by name; in order.

    What adds up is that of all together; what is about one model is empty. `stages` has the version
    in each stage, of models that were listed. A model that was skipped is no part of the matrix.
    """
    found = {name: each for name, each in models.items() if each["skipped"] != _flag(True)}
    sizes = [each["size"] for each in found.values()]
    changed = [each["changed"] for each in found.values() if each["changed"]]
    sources = {each["source"] for each in found.values()}
    rows = {name: _row(each, stages.get(name)) for name, each in models.items()}
    values = {
        "files": _listed([path for each in found.values() for path in json.loads(each["files"])]),
        "file-count": str(sum(int(each["file-count"]) for each in found.values())),
        "size": str(sum(map(int, sizes))) if all(sizes) else "",
        "source": sources.pop() if len(sources) == 1 else "",
        "changed": _flag(_flag(True) in changed) if changed else "",
        "models": _json(rows),
        "matrix": _json({"include": [{"name": name, **rows[name]} for name in found]}),
        "skipped": _flag(not found),
    }
    if command == DOWNLOAD:
        values["cached"] = _flag(all(each["cached"] == _flag(True) for each in found.values()))
    return {**dict.fromkeys(outputs_of(command), ""), **values}


def _row(outputs: Mapping[str, str], stages: Mapping[str, str] | None) -> dict[str, object]:
    """Return what one of several models has in JSON: not its files, which its manifest lists."""
    row: dict[str, object] = {}
    row.update((name, value) for name, value in outputs.items() if name not in _OF_THE_STEP)
    return row if stages is None else {**row, "stages": stages}


def project_outputs(projects: Sequence[Project]) -> dict[str, str]:
    """Return the outputs of `create-project`, in their order."""
    first = projects[0]
    return _complete(
        CREATE,
        {
            "project-id": first.id,
            "project-url": first.url,
            "project-name": first.name,
            "projects": json.dumps([asdict(project) for project in projects], ensure_ascii=False),
        },
    )


def skipped_outputs(command: str) -> dict[str, str]:
    """Return the outputs of a step that was skipped because of an input or a tag."""
    return {**dict.fromkeys(outputs_of(command), ""), "skipped": _flag(True)}


def _identity(resolution: Resolution, digest: Digest | None, filters: Filters) -> dict[str, str]:
    return {
        "model": str(resolution.artifact.model),
        "version": resolution.version,
        "stage": resolution.stage,
        "revision": resolution.revision,
        "tag": resolution.tag,
        "previous-version": resolution.previous_version,
        "source": resolution.source,
        "digest": digest_text(digest),
        "cache-key": cache_key(digest, filters),
    }


def _changed(previous: Previous | None, digest: Digest | None) -> str:
    return _flag(previous.changed(digest_text(digest))) if previous else ""


def _complete(command: str, values: dict[str, str]) -> dict[str, str]:
    every = {"skipped": _flag(False), "models": "", "matrix": "", "plan": "", **values}
    return {name: every[name] for name in outputs_of(command)}


def _total(sizes: Sequence[int | None]) -> str:
    known = [size for size in sizes if size is not None]
    return str(sum(known)) if len(known) == len(sizes) else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _listed(paths: Sequence[str]) -> str:
    return json.dumps(list(paths[:LISTED_FILES]), ensure_ascii=False)


def _flag(value: bool) -> str:
    return "true" if value else "false"
