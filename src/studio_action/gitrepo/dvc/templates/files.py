"""A file of variables: YAML, JSON or TOML, from the revision and from nowhere else. Pure.

DVC takes Python as well, which is not read here: a stranger's text can crash its parser
(https://docs.python.org/3/library/ast.html#ast.literal_eval), and nothing but it reads Python.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.documents import read_yaml
from studio_action.gitrepo.dvc.templates.expressions import Unfilled
from studio_action.net import bounded_json
from studio_action.text import printable

Read = Callable[[Collection[str]], Mapping[str, bytes]]
"""Gives the content of files of the revision that are there, by path."""

_LARGEST = 4 << 20
"""Bytes of all files of one `dvc.yaml`."""
_LARGEST_TOML = 64 << 10
_MOST_DOTS = 2000  # of a TOML: its reader takes the square of the steps of a dotted key


@dataclass
class VariableFiles:
    """Files of variables in a revision, each of which is read but once.

    `revision` is only shown.
    """

    read: Read
    revision: str
    _known: dict[str, Mapping[str, object] | None] = field(default_factory=dict, init=False)
    _left: int = field(default=_LARGEST, init=False)

    def find(self, path: str) -> Mapping[str, object] | None:
        """Return what the file at `path` has, None where there is none.

        Raises `Unfilled` for paths out of the repository and files that are no variables.
        """
        if posixpath.isabs(path) or path == ".." or path.startswith("../") or "\0" in path:
            raise Unfilled(f"names {path[:200]!r}, which is outside of the repository")
        if path not in self._known:
            content = self.read([path]).get(path)
            self._known[path] = None if content is None else self._parse(path, content)
        return self._known[path]

    def _parse(self, path: str, content: bytes) -> Mapping[str, object]:
        self._left -= len(content)
        if self._left < 0:
            raise Unfilled(f"has variables of more than {_LARGEST} bytes")
        document = printable(f"{path} at {self.revision[:7]}")
        value = _READERS.get(posixpath.splitext(path)[1].lower(), _read_yaml)(document, content)
        if not isinstance(value, dict):
            raise UnexpectedAnswer(f"{document} is not a mapping", _HINT)
        return value


_HINT = "Check that file at that commit"


def _read_yaml(document: str, content: bytes) -> object:
    return read_yaml(document, content).value


def _read_json(document: str, content: bytes) -> object:
    try:
        return bounded_json.read(content) or {}
    except ValueError as error:
        raise _unreadable(document, "JSON", error) from error


def _read_toml(document: str, content: bytes) -> object:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    if len(content) > _LARGEST_TOML or content.count(b".") > _MOST_DOTS:
        raise _unreadable(
            document, "TOML", f"more than {_LARGEST_TOML} bytes, or than {_MOST_DOTS} dots"
        )
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise _unreadable(document, "TOML", error) from error


def _refuse_python(document: str, content: bytes) -> object:
    raise UnexpectedAnswer(
        f"{document} has variables in Python, which only DVC reads",
        "Keep them in YAML, JSON or TOML",
    )


_READERS: Mapping[str, Callable[[str, bytes], object]] = {
    ".json": _read_json,
    ".toml": _read_toml,
    ".py": _refuse_python,
}


def _unreadable(document: str, kind: str, fault: Any) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{document} is not {kind}: {printable(str(fault)[:1000], 200)}", _HINT)
