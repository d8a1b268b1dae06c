"""The parameters and metrics of a pipeline at one commit. Pure.

Parameters are those that `dvc.lock` says the stages ran with, and the files that `dvc.yaml` lists
as `params`; metrics are what is in the files that it calls so
(https://dvc.org/doc/user-guide/project-structure/dvcyaml-files). Files that Git does not have, and
those that cannot be read, are only named.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.documents import Node
from studio_action.gitrepo.dvc.outputs import (
    LOCK,
    PIPELINE,
    path_within,
    read_file,
    read_pipeline,
)
from studio_action.gitrepo.dvc.templates.expressions import Unfilled
from studio_action.gitrepo.dvc.templates.files import VariableFiles
from studio_action.gitrepo.dvc.templates.pipeline import Pipeline
from studio_action.text import printable

MOST_VALUES = 1000
"""Values of each kind that are returned; parameters and metrics are for people."""
_MOST_FILES = 50
_DEEPEST = 20
_LONGEST = 200
_LARGEST_NUMBER = 1e300
"""What is larger is not written out: that takes the square of its digits."""

Read = Callable[[Iterable[str]], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its file, its name in it (`train.lr`), and a text that is safe to show.

    `number` is None where it is no number.
    """

    file: str
    name: str
    text: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """Parameters and metrics, and the names of files that have more which was not read."""

    parameters: tuple[Value, ...] = ()
    metrics: tuple[Value, ...] = ()
    unread: tuple[str, ...] = ()


def values_in(folder: str, revision: str, read: Read) -> Values:
    """Return what the pipeline in `folder` has; raise `UnexpectedAnswer` if it cannot be read.

    `read` gives the content of files of the revision that Git has, by path.
    """
    home, lock = posixpath.join(folder, PIPELINE), posixpath.join(folder, LOCK)
    there = read([home, lock])
    pipeline = read_pipeline(home, there.get(home, b""), revision, read)
    document = read_file(home, there.get(home, b""), revision)
    locked = read_file(lock, there.get(lock, b""), revision)
    stages = _stages(locked, pipeline)
    files = _Files(VariableFiles(read, revision), [])
    parameters = [
        *_locked_parameters(folder, locked, stages),
        *files.values(_listed(folder, document.get("params"), pipeline)),
    ]
    metrics = [*_listed(folder, document.get("metrics"), pipeline)]
    for stage in stages.values():
        base = path_within(folder, stage.get("wdir").text())
        metrics += [] if base is None else _listed(base, stage.get("metrics"), pipeline)
    found = list(islice(files.values(metrics), MOST_VALUES))
    return Values(_unique(parameters), _unique(found), tuple(dict.fromkeys(files.unread)))


def _stages(locked: Node, pipeline: Pipeline) -> Mapping[str, Node]:
    """Return the stages of `dvc.lock` that `dvc.yaml` still has, as that has them."""
    told = ((name, pipeline.stage(name)) for name in locked.get("stages").mapping())
    return {name: stage for name, stage in told if stage is not None}


def _locked_parameters(folder: str, locked: Node, stages: Mapping[str, Node]) -> Iterator[Value]:
    for name, stage in stages.items():
        base = path_within(folder, stage.get("wdir").text())
        params = locked.get("stages").get(name).get("params")
        if base is not None and isinstance(params.value, dict):
            for file, node in params.mapping().items():
                path = path_within(base, file)
                if path and isinstance(node.value, dict):
                    yield from flattened(path, node.value)


def _listed(folder: str, node: Node, pipeline: Pipeline) -> Iterator[str]:
    """Yield the paths of a list of files, each a text or a mapping from it to its flags."""
    items = node.sequence() if isinstance(node.value, list) else ()
    for item in items:
        names = item.value if isinstance(item.value, dict) else [item.value]
        for name in names:
            try:
                filled = pipeline.filled(Node(name, item.document, item.steps)).value
            except UnexpectedAnswer:
                continue
            path = path_within(folder, filled) if isinstance(filled, str) else None
            if path:
                yield path


@dataclass(frozen=True, slots=True)
class _Files:
    """Files of values, of which those that were not read are kept by name."""

    files: VariableFiles
    unread: list[str]

    def values(self, paths: Iterable[str]) -> Iterator[Value]:
        """Yield the values of some files."""
        for number, path in enumerate(dict.fromkeys(paths)):
            try:
                content = self.files.find(path) if number < _MOST_FILES else None
            except (UnexpectedAnswer, Unfilled):
                content = None
            if content is None:
                self.unread.append(printable(path, _LONGEST))
            else:
                yield from flattened(path, content)


def flattened(file: str, content: Mapping[Any, object]) -> Iterator[Value]:
    """Yield the values in nested mappings, the names of the steps to each joined with dots."""
    shown = printable(file, _LONGEST)
    left: list[tuple[tuple[str, ...], object]] = [((), content)]
    for _ in range(10 * MOST_VALUES):
        if not left:
            return
        steps, value = left.pop()
        if isinstance(value, dict) and value and len(steps) < _DEEPEST:
            below = [((*steps, str(name)[:_LONGEST]), it) for name, it in value.items()]
            left += reversed(below[:MOST_VALUES])
        elif steps:
            yield _value(shown, printable(".".join(steps), _LONGEST), value)


def _value(file: str, name: str, value: object) -> Value:
    if isinstance(value, bool | None):
        return Value(file, name, json.dumps(value))
    if isinstance(value, int | float):
        if abs(value) >= _LARGEST_NUMBER:
            return Value(file, name, f"more than {_LARGEST_NUMBER:g}")
        return Value(file, name, repr(value), None if value != value else float(value))
    text = value if isinstance(value, str) else _json(value)
    return Value(file, name, printable(text[: 2 * _LONGEST], _LONGEST))


def _json(value: object) -> str:
    if isinstance(value, list) and len(value) > _LONGEST:
        value = value[:_LONGEST]
    return json.dumps(value, ensure_ascii=False, default=str)


def _unique(values: Iterable[Value]) -> tuple[Value, ...]:
    """Return the first value of each name, in the order of files and names."""
    found = {(value.file, value.name): value for value in reversed(list(values))}
    return tuple(found[key] for key in sorted(found)[:MOST_VALUES])
