"""The content addresses DVC stores files under, and what can be learned from them. Pure.

Layouts and the text rule: dvc-data, `hashfile/hash.py` and `hashfile/tree.py`. DVC 3 keys an
object by the MD5 of its bytes (`files/md5/ab/cdef…`); DVC 2 keyed text by the MD5 of its bytes
after dos2unix (`ab/cdef…`), though the bytes are stored as they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

Algorithm = Literal["md5", "md5-dos2unix"]

_OBJECT_KEY = re.compile(r"(?P<v3>/files/md5)?/(?P<head>[0-9a-f]{2})/(?P<tail>[0-9a-f]{30})\Z")
_HEX = re.compile(r"[0-9a-f]{32}(\.dir)?")

TEXT_BLOCK = 512
"""Bytes at the start of a chunk that decide whether it is text (dvc-data, `istextfile.py`)."""
TEXT_CHUNK = 1 << 20
"""DVC 2 judged and normalised text chunk by chunk, 1 MiB each."""
_TEXT_BYTES = bytes(range(32, 127)) + b"\n\r\t\f\b"


@dataclass(frozen=True, slots=True)
class Digest:
    """An MD5 as DVC names it; `md5-dos2unix` is DVC 2's, where text may be normalised first.

    The hexadecimal value of a folder ends with `.dir`.
    """

    algorithm: Algorithm
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `md5:0a1b…` or `md5-dos2unix:0a1b…`; raise `ValueError` for anything else."""
        algorithm, _, value = text.partition(":")
        if not _HEX.fullmatch(value):
            raise ValueError(f"not a digest: {text!r}")
        match algorithm:
            case "md5" | "md5-dos2unix":
                return cls(algorithm, value)
        raise ValueError(f"not a digest: {text!r}")

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def digest_in_url(url: str) -> Digest | None:
    """Return the digest that the URL's path ends with; None if the remote has another layout."""
    path = url.partition("://")[2].partition("?")[0].partition("#")[0].partition("/")[2]
    key = _OBJECT_KEY.search(f"/{unquote(path) if '%' in path else path}")
    if key is None:
        return None
    return Digest("md5" if key["v3"] else "md5-dos2unix", key["head"] + key["tail"])


def folder_digest(members: Iterable[tuple[str, str]]) -> Digest:
    """Return DVC's digest of a folder, from its members' relative POSIX paths and MD5s."""
    entries = [{"md5": md5, "relpath": relpath} for relpath, md5 in sorted(members)]
    manifest = json.dumps(entries, sort_keys=True).encode()
    return Digest("md5", hashlib.md5(manifest, usedforsecurity=False).hexdigest() + ".dir")


def looks_like_text(block: bytes) -> bool:
    """Return DVC 2's guess about the first `TEXT_BLOCK` bytes of a chunk; true for no bytes."""
    if b"\x00" in block:
        return False
    return len(block.translate(None, _TEXT_BYTES)) <= 0.30 * len(block)
