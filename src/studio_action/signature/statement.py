"""What a bundle of OpenSSF Model Signing says was signed. Nothing here is verified yet. Pure.

The format: https://github.com/sigstore/model-transparency#model-signing-format. A Sigstore bundle
holds a DSSE envelope, this an in-toto statement, and this the digest of every file of the model.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, cast

from studio_action.errors import PolicyRefused, UnexpectedAnswer
from studio_action.model.paths import check_path
from studio_action.net import bounded_json
from studio_action.text import printable

LARGEST_BUNDLE = bounded_json.LARGEST
"""Bytes; that of a model of a hundred thousand files stays below."""
ONE_FILE = "."
"""The name that a model has in its own statement, if it is one file."""

_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_OLD_PREDICATE = "https://model_signing/Digests/v0.1"
_LENGTHS = {"sha256": 64, "blake2b": 128, "blake3": 64}
"""Digits of the digests, by the algorithms that model_signing has."""
_HEX = re.compile(r"[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Part:
    """The digest, in hexadecimal, of a file from byte `start` to before `end`; None: of all."""

    digest: str
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What was signed: the parts of every file, by its path below the model.

    `shard_size` is in bytes, 0 where each file was hashed as a whole. `ignored` are the paths that
    the signer left out.
    """

    model: str
    algorithm: str
    shard_size: int
    ignored: tuple[str, ...]
    files: Mapping[str, tuple[Part, ...]] = field(repr=False)

    def ignores(self, name: str) -> bool:
        """Return whether the signer left the file out on purpose."""
        return any(PurePosixPath(name).is_relative_to(path) for path in self.ignored)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle, and what it claims; `path` is its own in the repository.

    `text` is its JSON, written anew: so no reader finds more in it than another. `certificate` is
    the signer's, in DER, empty if it was signed with a bare key. `sha256` is of the bytes as they
    came.
    """

    path: str
    sha256: str
    text: str = field(repr=False)
    statement: Statement
    certificate: bytes = field(repr=False)

    @classmethod
    def read(cls, path: str, content: bytes) -> Bundle:
        """Read a bundle; raise `PolicyRefused` for anything that `model_signing` does not make."""
        try:
            outer = _mapping(bounded_json.read(content, LARGEST_BUNDLE), "it")
            _check_names(outer)
            envelope = _mapping(outer.get("dsseEnvelope"), "its dsseEnvelope")
            material = _mapping(outer.get("verificationMaterial"), "its verificationMaterial")
            statement = _read_statement(_payload(envelope))
            sha256 = hashlib.sha256(content).hexdigest()
            return cls(path, sha256, json.dumps(outer), statement, _certificate(material))
        except (ValueError, UnexpectedAnswer) as error:
            raise PolicyRefused(
                f"{printable(path, 200)!r} is not a signature of a model: {_reason(error)}",
                "Make it with `model_signing sign`, version 0.3 or later",
            ) from error


def _reason(error: Exception) -> str:
    return printable(error.message if isinstance(error, UnexpectedAnswer) else str(error), 300)


def _check_names(value: object) -> None:
    """Raise `ValueError` for a field by its other name, which some readers take and others not."""
    if isinstance(value, dict):
        for name in value:
            if "_" in name:
                raise ValueError(f"it has a field {name!r}")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        _check_names(each)


def _payload(envelope: Mapping[str, Any]) -> bytes:
    if envelope.get("payloadType") != _PAYLOAD:
        raise ValueError("its payload is not an in-toto statement")
    if len(_list(envelope.get("signatures"), "its list of signatures")) != 1:
        raise ValueError("it does not have one signature")
    return _decoded(envelope.get("payload"), "its payload")


def _certificate(material: Mapping[str, Any]) -> bytes:
    chain = material.get("x509CertificateChain")
    if chain is None:
        return b""
    certificates = _list(_mapping(chain, "its chain").get("certificates"), "its certificates")
    if not certificates:
        raise ValueError("its chain is empty")
    return _decoded(_mapping(certificates[0], "its certificate").get("rawBytes"), "it")


def _read_statement(payload: bytes) -> Statement:
    document = _mapping(bounded_json.read(payload, LARGEST_BUNDLE), "the statement")
    kind = document.get("predicateType")
    if kind == _OLD_PREDICATE:
        raise ValueError(
            "it was made by model_signing 0.2, whose signatures may leave files uncovered"
        )
    if document.get("_type") != _STATEMENT or kind != _PREDICATE:
        raise ValueError("it signs something else than a model")
    subjects = _list(document.get("subject"), "its list of subjects")
    if len(subjects) != 1:
        raise ValueError("it does not have one subject")
    name = _text(_mapping(subjects[0], "the subject").get("name"), "the subject's name")
    predicate = _mapping(document.get("predicate"), "the predicate")
    how = _mapping(predicate.get("serialization"), "the serialization")
    algorithm = _text(how.get("hash_type"), "the algorithm")
    if algorithm not in _LENGTHS:
        raise ValueError(f"its files are hashed by {algorithm!r}, which is not known here")
    shard_size = _shard_size(how)
    ignored = _list(how.get("ignore_paths", []), "the list of ignored paths")
    resources = _list(predicate.get("resources"), "the list of files")
    files = _files(resources, algorithm, shard_size)
    texts = tuple(_text(path, "an ignored path") for path in ignored)
    return Statement(name, algorithm, shard_size, texts, files)


def _shard_size(how: Mapping[str, Any]) -> int:
    method = how.get("method")
    if method == "files":
        return 0
    if method != "shards":
        raise ValueError(f"its files are serialized by {method!r}, which is not known here")
    size = how.get("shard_size")
    if (
        isinstance(size, bool)
        or not isinstance(size, (int, float))
        or size < 1
        or size != int(size)
    ):
        raise ValueError("its shards have no size")
    return int(size)


def _files(resources: list[Any], algorithm: str, shard_size: int) -> Mapping[str, tuple[Part, ...]]:
    expected = f"{algorithm}-sharded-{shard_size}" if shard_size else algorithm
    files: dict[str, list[Part]] = {}
    for resource in (_mapping(each, "an entry of the list of files") for each in resources):
        if resource.get("algorithm") != expected:
            raise ValueError("its files are not hashed by one algorithm")
        digest = _text(resource.get("digest"), "a digest")
        if len(digest) != _LENGTHS[algorithm] or not _HEX.fullmatch(digest):
            raise ValueError("one of its digests is not valid")
        name, part = _named(_text(resource.get("name"), "a file's name"), digest, shard_size)
        if name != ONE_FILE:
            check_path(name)
        files.setdefault(name, []).append(part)
    if not files:
        raise ValueError("it covers no file")
    return {name: tuple(_in_order(name, parts, shard_size)) for name, parts in files.items()}


def _named(name: str, digest: str, shard_size: int) -> tuple[str, Part]:
    """Return a file's path and its part, which sharded ones are named by: `path:start:end`."""
    if not shard_size:
        return name, Part(digest)
    path, start, end = [*name.rsplit(":", 2), "", ""][:3]
    if not all(it.isascii() and it.isdigit() and len(it) < 20 for it in (start, end)):
        raise ValueError(f"{name!r} is not part of a file")
    return path, Part(digest, int(start), int(end))


def _in_order(name: str, parts: list[Part], shard_size: int) -> Iterator[Part]:
    """Yield the parts of one file; raise `ValueError` if they leave a gap, or are there twice."""
    if not shard_size:
        if len(parts) > 1:
            raise ValueError(f"{name!r} is there twice")
        yield parts[0]
        return
    at = 0
    for part in sorted(parts, key=lambda part: part.start):
        end = cast(int, part.end)
        if part.start != at or not 0 < end - part.start <= shard_size:
            raise ValueError(f"the parts of {name!r} do not make up a file")
        at = end
        yield part


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not a JSON object")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{what} is not there")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{what} is not there")
    return value


def _decoded(value: object, what: str) -> bytes:
    try:
        return base64.b64decode(_text(value, what), validate=True)
    except binascii.Error:
        raise ValueError(f"{what} is not base64") from None
