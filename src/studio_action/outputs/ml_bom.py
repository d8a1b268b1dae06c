"""A bill of materials of one downloaded model: CycloneDX 1.6, in JSON. Pure.

https://cyclonedx.org/docs/1.6/json/. It is written here, because the library for it takes its time
to start and a step needs but these few entries; tests hold it against the library's own schema.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from studio_action import __version__
from studio_action.errors import BadInput
from studio_action.model.artifact import ModelName, Resolution
from studio_action.model.repository_url import RepositoryUrl
from studio_action.outputs.manifest import Download, FileRecord, digest_text, finished_on

_PREFIX = "studio-action:"
"""Of the names of our properties, as CycloneDX's property taxonomy wants it."""
_MODEL = "model"


def document(download: Download, manifest: str, server: str) -> str:
    """Return the text of the bill of materials; `manifest` is the text of the download's record.

    `server` hosts a repository that is named by `owner/name` alone. The serial number is that of
    the record: another one for each run, and the same for the same record.
    """
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, manifest).urn,
        "version": 1,
        "metadata": {
            "timestamp": finished_on(download),
            "tools": {
                "components": [
                    {"type": "application", "name": "studio-action", "version": __version__}
                ]
            },
        },
        "components": [_model(download, server)],
        "compositions": [
            {
                "aggregate": "incomplete" if download.filters else "complete",
                "assemblies": [_MODEL],
            }
        ],
    }
    return json.dumps(bom, ensure_ascii=False, indent=2) + "\n"


def _model(download: Download, server: str) -> dict[str, Any]:
    resolution = download.resolution
    vcs = vcs_url(resolution.artifact.repository, server)
    only = download.files[0] if len(download.files) == 1 else None
    alone = only is not None and only.source_path == resolution.root
    return _known(
        {
            "type": "machine-learning-model",
            "bom-ref": _MODEL,
            "name": str(resolution.artifact.model),
            "version": resolution.version,
            "hashes": _hashes(only) if only and alone else [],
            "purl": package_url(resolution, vcs),
            "externalReferences": [_reference(vcs, resolution)] if vcs else [],
            "properties": _properties(_facts(download)),
            "components": [_file(number, each) for number, each in enumerate(download.files)],
        }
    )


def _file(number: int, file: FileRecord) -> dict[str, Any]:
    facts = {"size": str(file.size), "verified": file.verified, "origin": file.origin}
    return {
        "type": "file",
        "bom-ref": f"file-{number}",
        "name": file.source_path,
        "hashes": _hashes(file),
        "properties": _properties({**facts, "path": file.path}),
    }


def _hashes(file: FileRecord) -> list[dict[str, str]]:
    return [{"alg": "MD5", "content": file.md5}, {"alg": "SHA-256", "content": file.sha256}]


def _facts(download: Download) -> dict[str, str]:
    resolution, signatures = download.resolution, download.signatures
    return {
        "requested": str(resolution.selector),
        "stage": resolution.stage,
        "tag": resolution.tag,
        "revision": resolution.revision,
        "source": resolution.source,
        "digest": digest_text(download.digest),
        "path": download.path,
        "signers": "; ".join(str(each) for each in signatures),
        "tag-signers": ", ".join(f"{each.tag}: {each}" for each in resolution.signed_tags),
    }


def _properties(facts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": _PREFIX + name, "value": value} for name, value in facts.items() if value]


def _reference(vcs: str, resolution: Resolution) -> dict[str, str]:
    commit = f"commit {resolution.revision}" if resolution.revision else ""
    return _known({"type": "vcs", "url": vcs, "comment": commit})


def vcs_url(repository: str, server: str) -> str:
    """Return the URL that a repository is cloned from; '' for a folder of this machine."""
    try:
        address = RepositoryUrl.parse(repository)
    except BadInput:
        return ""
    if address.form in ("short", "https", "http"):
        return address.clone_url(server)
    return f"ssh://git@{address.host}/{address.path}"


def package_url(resolution: Resolution, vcs: str) -> str:
    """Return the model's package URL: `pkg:generic/churn@v2.0.0?vcs_url=git%2Bhttps://…%40COMMIT`.

    https://github.com/package-url/purl-spec/blob/main/types-doc/generic-definition.md
    """
    path = "/".join(quote(part, safe="") for part in _path(resolution.artifact.model))
    version = f"@{quote(resolution.version, safe='')}" if resolution.version else ""
    if not vcs:
        return f"pkg:generic/{path}{version}"
    commit = f"@{resolution.revision}" if resolution.revision else ""
    return f"pkg:generic/{path}{version}?vcs_url={quote(f'git+{vcs}{commit}', safe=':/')}"


def _path(model: ModelName) -> list[str]:
    """Return the model's folder and name, part by part; the last one is the package's name."""
    return [part for part in f"{model.folder}/{model.name}".split("/") if part]


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}
