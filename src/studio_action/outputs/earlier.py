"""The record of an earlier download of the same model to the same place, read back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from studio_action.errors import UnexpectedAnswer
from studio_action.model.paths import check_path, comparison_key
from studio_action.net import bounded_json
from studio_action.outputs.manifest import SCHEMA, Download

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class EarlierFile:
    """One file as it was placed; its path is relative to the workspace."""

    path: str
    source_path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """What `model.json` says; '' and 0 for what it does not."""

    version: str = ""
    revision: str = ""
    digest: str = ""
    transferred: int = 0
    seconds: float = 0.0
    files: tuple[EarlierFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What is other than before, by path in the repository: sizes in bytes, before and now."""

    added: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def read(content: bytes) -> Earlier:
    """Return what a record says; raise `ValueError` for what is none, or names an unsafe path."""
    found = bounded_json.read(content)
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError("it is not a manifest")
    rows = found.get("files")
    if not isinstance(rows, list):
        raise ValueError("it has no list of files")
    return Earlier(
        _text(found.get("version")),
        _text(found.get("revision")),
        _text(found.get("digest")),
        int(_number(found.get("transferred"))),
        _number(found.get("seconds")),
        tuple(_file(row) for row in rows),
    )


def changes(earlier: Earlier, download: Download) -> Changes:
    """Return what a download has other than the earlier one."""
    before = {each.source_path: each for each in earlier.files}
    now = {each.source_path: each for each in download.files}
    return Changes(
        {path: each.size for path, each in now.items() if path not in before},
        {path: each.size for path, each in before.items() if path not in now},
        {
            path: (before[path].size, each.size)
            for path, each in now.items()
            if path in before and before[path].sha256 != each.sha256
        },
    )


def stale(
    earlier: Earlier, dest: str, current: Iterable[str], others: Iterable[str]
) -> tuple[EarlierFile, ...]:
    """Return the earlier files below `dest` that are none of the model's `current` ones now.

    Nor may they be of `others`: what further models have in the workspace. Case and Unicode form
    count as little as they do on some file systems.
    """
    kept = {comparison_key(path) for path in (*current, *others)}
    top = "" if dest == "." else f"{dest}/"
    return tuple(
        each
        for each in earlier.files
        if each.path.startswith(top) and comparison_key(each.path) not in kept
    )


def _file(row: object) -> EarlierFile:
    match row:
        case {"path": str(path), "source_path": str(source), "size": int(size), "sha256": str(sha)}:
            pass
        case _:
            raise ValueError("a file has no path, size and SHA-256")
    try:
        check_path(path)
    except UnexpectedAnswer as error:
        raise ValueError(error.message) from None
    if not _SHA256.fullmatch(sha):
        raise ValueError("a SHA-256 is not valid")
    return EarlierFile(path, source, size, sha)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    return value if isinstance(value, int | float) and value >= 0 else 0
