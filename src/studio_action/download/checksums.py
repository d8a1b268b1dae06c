"""MD5 and SHA-256 of files, and whether they are those of the file that was meant."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from studio_action.download.base import Verified, Verify
from studio_action.errors import ContentMismatch
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import TEXT_BLOCK, TEXT_CHUNK, Algorithm, Digest, looks_like_text
from studio_action.workspace import regular_files
from studio_action.workspace.positional import read_at

BLOCK = 256 << 10
"""Bytes hashed at a time."""


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of a whole file; `md5` and `sha256` are hexadecimal, of the bytes as they are.

    `stored_as` is the address its content has under the algorithm that was asked for.
    """

    size: int
    md5: str
    sha256: str
    stored_as: Digest

    @property
    def rule(self) -> Algorithm:
        """Return the algorithm that gives `stored_as` for this content."""
        plain = self.stored_as.hex.removesuffix(".dir") == self.md5
        return "md5" if plain else "md5-dos2unix"


def digests_of_file(
    path: Path, wanted: Digest, check: Callable[[], None] = lambda: None
) -> Digests:
    """Hash the regular file at `path`, under the algorithm of `wanted`.

    Bytes that are added to the file meanwhile are not read. `check` is called between two blocks
    and may raise. Raise `regular_files.NotRegular`, or `OSError` as it comes.
    """
    with regular_files.opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size <= BLOCK:  # threads would take longer than the hashing
            return digests_of_bytes(read_fully(descriptor, size, 0), wanted)

        def chunks(length: int) -> Iterator[bytes]:
            for chunk in chunks_of(descriptor, length, size):
                check()
                yield chunk

        with ThreadPoolExecutor(2) as threads:
            md5, sha256 = threads.map(lambda name: _hash(name, chunks(BLOCK)), ("md5", "sha256"))
        return Digests(size, md5, sha256, stored_as(md5, wanted, chunks(TEXT_CHUNK)))


def digests_of_bytes(data: bytes | memoryview, wanted: Digest | None) -> Digests:
    """Hash bytes in memory, under the algorithm of `wanted`."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    chunks = (bytes(data[at : at + TEXT_CHUNK]) for at in range(0, len(data), TEXT_CHUNK))
    stored = stored_as(md5, wanted or Digest("md5", md5), chunks)
    return Digests(len(data), md5, hashlib.sha256(data).hexdigest(), stored)


def stored_as(md5: str, wanted: Digest, chunks: Iterable[bytes]) -> Digest:
    """Return the digest that DVC stores the content under; read `chunks` only if it needs to."""
    kind = ".dir" if wanted.hex.endswith(".dir") else ""  # a folder's manifest
    if wanted.algorithm == "md5" or md5 + kind == wanted.hex:
        return Digest(wanted.algorithm, md5 + kind)
    return Digest(wanted.algorithm, _dos2unix_md5(chunks) + kind)


def _dos2unix_md5(chunks: Iterable[bytes]) -> str:
    """Return the MD5 as DVC 2 computes it: CRLF is LF in every chunk that looks like text."""
    md5 = hashlib.new("md5", usedforsecurity=False)
    for chunk in chunks:
        text = looks_like_text(chunk[:TEXT_BLOCK])
        md5.update(chunk.replace(b"\r\n", b"\n") if text else chunk)
    return md5.hexdigest()


def _hash(name: str, chunks: Iterable[bytes]) -> str:
    digest = hashlib.new(name, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def chunks_of(descriptor: int, length: int, size: int) -> Iterator[bytes]:
    """Yield the first `size` bytes of a file in chunks of `length`; the last may be shorter."""
    offset = 0
    while chunk := read_fully(descriptor, min(length, size - offset), offset):
        yield chunk
        offset += len(chunk)


def read_fully(descriptor: int, length: int, offset: int) -> bytes:
    """Read `length` bytes from `offset`; return fewer only at the end of the file."""
    data = read_at(descriptor, length, offset)
    while 0 < len(data) < length:
        more = read_at(descriptor, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


@dataclass(frozen=True, slots=True)
class StorageMetadata:
    """What a storage says about a file.

    `size_announced`: it said how many bytes would come before they came. `md5` is hexadecimal.
    `validator` is the ETag, or else the date of the last change. `size` is in bytes.
    """

    size_announced: bool = False
    md5: str | None = None
    validator: str = ""
    size: int | None = None

    @property
    def etag(self) -> str:
        """Return the ETag without quotes; '' if there is none."""
        return _bare(self.validator) if '"' in self.validator else ""


def _bare(etag: str) -> str:
    return etag.removeprefix("W/").strip('"').lower()


def verification(
    file: RemoteFile, metadata: StorageMetadata, found: Digests, verify: Verify
) -> Verified | None:
    """Return how the bytes were checked; None if they are not those of `file`.

    The best evidence counts: the digest that the file is stored under, then what the storage says.
    """
    if file.size is not None and found.size != file.size:
        return None
    if verify == "off":
        return "off"
    if file.digest is not None:
        return found.rule if found.stored_as == file.digest else None
    same = _bare(file.etag) == metadata.etag
    if file.etag and metadata.etag and not same:
        return None
    if metadata.md5 is not None:
        return "content-md5" if found.md5 == metadata.md5 else None
    if file.etag and metadata.etag:
        return "etag"
    return "length" if metadata.size_announced or file.size is not None else "none"


def difference(file: RemoteFile, metadata: StorageMetadata, found: Digests) -> str:
    """Return, for people, what is wrong with bytes that are not those of `file`."""
    if file.size is not None and found.size != file.size:
        return f"it has {found.size} bytes; expected {file.size}"
    if file.digest is not None:
        return f"its MD5 is {found.md5}, and its storage key says {file.digest}"
    if file.etag and metadata.etag and _bare(file.etag) != metadata.etag:
        return "it was changed after DVC noted its ETag"
    return f"its MD5 is {found.md5}, and the storage said {metadata.md5}"


def mismatch_twice(
    label: object, file: RemoteFile, metadata: StorageMetadata, found: Digests
) -> ContentMismatch:
    """Return the error for a file that is still wrong after it was fetched once more."""
    return ContentMismatch(
        f"{label} does not match: {difference(file, metadata, found)},"
        " even after a second download",
        "The storage has other content under this name: push the model again",
    )
