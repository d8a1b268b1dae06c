"""A DVC project on its way: what has been put into one commit of it so far."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.differential.project import File
from tests.differential.writing import Content, Storage, yaml

T = TypeVar("T")


class Choices:
    """Whatever is up to chance; `below` gives a number from 0 to one below its argument.

    All 0 makes the simplest project. After `again` the same is chosen as after its `mark`.
    """

    def __init__(self, below: Callable[[int], int]) -> None:
        self._below = below
        self._made: list[int] = []
        self._at = 0

    def one_of(self, *options: T) -> T:
        if self._at == len(self._made):
            self._made.append(self._below(len(options)))
        self._at += 1
        return options[self._made[self._at - 1]]

    def chance(self, *, of: int = 2) -> bool:
        """True once in so many times, and never in the simplest project."""
        return self.one_of(*range(of)) == of - 1

    def mark(self) -> int:
        return self._at

    def again(self, mark: int) -> None:
        self._at = mark


@dataclass
class Draft:
    """One commit: everything of it is below the folder `top`, in which DVC was initialised.

    Paths are relative to `top`. Contents depend on the `version`, nothing else does.
    """

    choose: Choices
    version: int
    top: str
    shelf: Storage
    web: Storage
    files: dict[str, File] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)
    locks: dict[str, dict[str, Any]] = field(default_factory=dict)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    default: str = "shelf"
    _taken: set[str] = field(default_factory=set)
    _count: int = 0

    def number(self) -> int:
        """A new one each time, for names that must not be given twice."""
        self._count += 1
        return self._count

    def fresh(self, path: str) -> str:
        """The path, or one like it where something is there, above it or below it."""
        folder, name = posixpath.split(posixpath.normpath(path))
        path = posixpath.join(folder, name)
        while any(_meet(path, taken) for taken in self._taken):
            path = posixpath.join(folder, f"{self.number()}-{name}")
        self._taken.add(path)
        return path

    def write(self, path: str, content: bytes, *, executable: bool = False) -> None:
        """A file of Git."""
        self.files[posixpath.join(self.top, path)] = File(
            content, "100755" if executable else "100644"
        )

    def write_all(self, path: str, content: Content, *, executable: bool = False) -> None:
        """A file or folder of Git."""
        if isinstance(content, bytes):
            return self.write(path, content, executable=executable)
        for member, each in content.items():
            self.write(f"{path}/{member}", each)
        return None

    def remote(self, name: str) -> Storage:
        """The storage of a remote; '' means the default one."""
        return self.shelf if (name or self.default) == "shelf" else self.web

    def pipeline(self, folder: str, section: str) -> dict[str, Any]:
        """A section of the `dvc.yaml` in the folder."""
        section_: dict[str, Any] = self.pipelines.setdefault(folder, {}).setdefault(section, {})
        return section_

    def variables(self, folder: str) -> list[Any]:
        """The `vars` of the `dvc.yaml` in the folder."""
        found: list[Any] = self.pipelines.setdefault(folder, {}).setdefault("vars", [])
        return found

    def document(self, value: Mapping[str, Any]) -> bytes:
        """A YAML document in one of its styles."""
        flow = self.choose.chance(of=6)
        self.features |= {"YAML in braces"} if flow else set()
        return yaml(value, flow=flow)

    def finished(self) -> dict[str, File]:
        """All files of the commit."""
        for folder, pipeline in sorted(self.pipelines.items()):
            self.write(posixpath.join(folder, "dvc.yaml"), self.document(pipeline))
        for folder, stages in sorted(self.locks.items()):
            lock = self.document({"schema": "2.0", "stages": stages})
            self.write(posixpath.join(folder, "dvc.lock"), lock)
        for folder, params in sorted(self.params.items()):
            self.write(posixpath.join(folder, "params.yaml"), self.document(params))
        return self.files


def _meet(path: str, other: str) -> bool:
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")
