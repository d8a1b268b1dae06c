"""DVC's files and objects as DVC writes them; `test_writing.py` holds it to the real one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Content = bytes | Mapping[str, bytes]
"""Of a file, or of a folder by relative path."""

TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


@dataclass(frozen=True, slots=True)
class Raw:
    """A scalar that is written as it stands."""

    text: str


@dataclass(slots=True)
class Storage:
    """The objects of one remote, by key."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def keep(self, content: Content, *, legacy: bool = False) -> dict[str, object]:
        """Store a file or folder; gives what a lock says of it, as DVC 3 or (`legacy`) DVC 2."""
        if isinstance(content, bytes):
            return self._file(content, legacy)
        members = [
            {"md5": self._file(member, legacy)["md5"], "relpath": path}
            for path, member in sorted(content.items())
        ]
        manifest = json.dumps(members, sort_keys=True).encode()
        md5 = _md5(manifest) + ".dir"
        self._put(md5, manifest, legacy)
        told: dict[str, object] = {"md5": md5, "size": sum(map(len, content.values()))}
        return told | {"nfiles": len(content)} | ({} if legacy else {"hash": "md5"})

    def _file(self, content: bytes, legacy: bool) -> dict[str, object]:
        unix = legacy and is_text(content)
        md5 = _md5(content.replace(b"\r\n", b"\n") if unix else content)
        self._put(md5, content, legacy)
        return {"md5": md5, "size": len(content)} | ({} if legacy else {"hash": "md5"})

    def _put(self, md5: str, content: bytes, legacy: bool) -> None:
        self.objects[f"{'' if legacy else 'files/md5/'}{md5[:2]}/{md5[2:]}"] = content


def is_text(content: bytes) -> bool:
    """As DVC 2 guesses: of the first 512 bytes, no NUL and at most 30 % that no text has."""
    block = content[:512]
    return b"\0" not in block and len(block.translate(None, TEXT)) <= 0.3 * len(block)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


_PLAIN = re.compile(r"(?!.*(?:: | #|:\Z))[A-Za-z_./$é][\w./${}@:é -]*(?<! )")
_WORDS = {"true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL"}


def scalar(value: object) -> str:
    """Plain where YAML 1.2 takes that for the same text, so `no` is; else in quotes."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def yaml(value: object, *, flow: bool = False) -> bytes:
    """The value as a YAML document, in blocks or (`flow`) in braces."""
    if flow:
        return f"{_flow(value)}\n".encode()
    return ("\n".join(_block(value)) + "\n").encode()


def _flow(value: object) -> str:
    match value:
        case Mapping():
            inner = ", ".join(f"{_quoted(key)}: {_flow(each)}" for key, each in value.items())
            return f"{{{inner}}}"
        case list():
            return f"[{', '.join(map(_flow, value))}]"
    return _quoted(value)


def _quoted(value: object) -> str:
    return value.text if isinstance(value, Raw) else json.dumps(value, ensure_ascii=False)


def _block(value: object) -> list[str]:
    match value:
        case Mapping() if value:
            return [line for key, each in value.items() for line in _entry(scalar(key), each)]
        case list() if value:
            return [line for each in value for line in _item(_block(each))]
    return [_flow(value) if isinstance(value, Mapping | list) else scalar(value)]


def _entry(key: str, value: object) -> list[str]:
    if isinstance(value, Mapping | list) and value:
        indent = "" if isinstance(value, list) else "  "
        return [f"{key}:", *(f"{indent}{line}" for line in _block(value))]
    shown = _flow(value) if isinstance(value, Mapping | list) else scalar(value)
    return [f"{key}: {shown}"]


def _item(lines: list[str]) -> list[str]:
    first, *rest = lines
    return [f"- {first}", *(f"  {line}" for line in rest)]
