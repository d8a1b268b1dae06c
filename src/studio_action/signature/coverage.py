"""Whether a signature covers what is delivered: all of it, and the very bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from studio_action.download.checksums import BLOCK, read_fully
from studio_action.errors import PolicyRefused
from studio_action.model.artifact import RemoteFile
from studio_action.signature.statement import ONE_FILE, Bundle, Part
from studio_action.text import first_few, printable
from studio_action.workspace import regular_files

_SHOWN = 3


def name_of(path: str, root: str) -> str:
    """Return the name that a file of the model at `root` has in the model's statement."""
    if path == root:
        return ONE_FILE
    return path.removeprefix(f"{root}/") if root else path


def check_names(
    bundle: Bundle, chosen: Sequence[RemoteFile], every: Sequence[RemoteFile], root: str
) -> None:
    """Raise `PolicyRefused` if a chosen file is not covered, or a covered one is gone.

    `every` are the files of the model at `root`, `chosen` those of them that pass the filters. The
    bundle itself may be among them.
    """
    signed = bundle.statement.files
    there = {name_of(file.path, root) for file in every if file.path != bundle.path}
    wanted = [name_of(file.path, root) for file in chosen if file.path != bundle.path]
    if missing := [name for name in signed if name not in there]:
        raise PolicyRefused(
            f"the signature {_shown(bundle.path)} covers {_some(missing)}, which the model does not"
            " have",
            "Was a file taken away after it was signed, or is it another model's signature?",
        )
    if extra := [name for name in wanted if name not in signed]:
        raise PolicyRefused(
            f"the signature {_shown(bundle.path)} does not cover {_some(extra)}",
            _how(bundle, extra),
        )


def _how(bundle: Bundle, extra: Collection[str]) -> str:
    statement = bundle.statement
    if any(statement.ignores(name) for name in extra):
        return "The signer left that out: exclude it here, or sign the model without ignored paths"
    if statement.shard_size:
        return "In shards, model_signing covers no empty file: sign the model by whole files"
    return "Sign the model as it is now, or exclude what does not belong to it"


def check_content(bundle: Bundle, file: RemoteFile, root: str, place: Path, sha256: str) -> None:
    """Raise `PolicyRefused` if a file's bytes are not those that were signed.

    `place` is where they are, `sha256` their digest in hexadecimal: only what was signed by other
    digests is read once more. Its name has passed `check_names`. The bundle itself, which no
    signature covers, has to be the one that was verified.
    """
    if not _is_signed(bundle, file, root, place, sha256):
        raise PolicyRefused(
            f"{_shown(file.path)} is not what was signed: its SHA-256 is {sha256}, and the"
            f" signature {_shown(bundle.path)} is of other bytes",
            "The storage or the repository has other bytes than the signer: nothing was placed",
        )


def _is_signed(bundle: Bundle, file: RemoteFile, root: str, place: Path, sha256: str) -> bool:
    if file.path == bundle.path:
        return sha256 == bundle.sha256
    statement = bundle.statement
    parts = statement.files[name_of(file.path, root)]
    if statement.algorithm == "sha256" and not statement.shard_size:
        return [sha256] == [part.digest for part in parts]
    return list(_digests(place, statement.algorithm, parts)) == [part.digest for part in parts]


def _digests(place: Path, algorithm: str, parts: Sequence[Part]) -> Iterator[str]:
    """Yield the digests of a file's parts; of one that is longer than they are, one more."""
    with regular_files.opened(place) as descriptor:
        size = os.fstat(descriptor).st_size
        for part in parts:
            yield _digest(descriptor, algorithm, part.start, size if part.end is None else part.end)
        if parts[-1].end not in (None, size):
            yield ""


def _digest(descriptor: int, algorithm: str, start: int, end: int) -> str:
    digest = _hasher(algorithm)
    while chunk := read_fully(descriptor, min(BLOCK, end - start), start):
        digest.update(chunk)
        start += len(chunk)
    return str(digest.hexdigest())


def _hasher(algorithm: str) -> Any:
    if algorithm != "blake3":
        return hashlib.new(algorithm)
    from blake3 import blake3  # what model_signing hashes with

    return blake3()


def _some(names: Sequence[str]) -> str:
    shown = ["the one file" if name == ONE_FILE else _shown(name) for name in sorted(names)]
    return first_few(shown, _SHOWN)


def _shown(path: str) -> str:
    return repr(printable(path, 200))
