"""Reads what pages show of a version besides its files: commit, metrics, parameters, a card."""

from __future__ import annotations

import posixpath
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TypeVar

from studio_action.errors import BadInput, NoSuchModel, UnexpectedAnswer
from studio_action.gitrepo.dvc import artifacts, metrics
from studio_action.gitrepo.dvc.annotations import Annotation, annotations_in
from studio_action.gitrepo.dvc.external import ExternalFile
from studio_action.gitrepo.dvc.metrics import Values
from studio_action.gitrepo.git.commit import Commit
from studio_action.gitrepo.git.revision import Revision
from studio_action.model.artifact import ModelName
from studio_action.server.registry.keyed_locks import KeyedLocks
from studio_action.text import human_size, printable

CARDS = ("MODEL_CARD.md", "README.md")
"""The names of model cards; the first that is there counts."""
LARGEST_CARD = 64 << 10
_LARGEST_FILE = 1 << 20
"""Bytes of a file with parameters or metrics."""
_MOST_CACHED = 200
MOST_ANNOTATED_FOLDERS = 500
"""Folders with a `dvc.yaml` whose annotations are read for the list of models."""
_LARGEST_ANNOTATIONS = 256 << 10
_LARGEST_OF_ALL = 2 << 20

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Card:
    """The Markdown file beside a model; anybody may have written its content."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """What is known of a model at a commit. `problems` say what could not be read, and why.

    `card` is None where there is none.
    """

    commit: Commit
    annotation: Annotation
    values: Values
    card: Card | None = None
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class DetailsCache:
    """The details of the most recently shown versions: commits never change."""

    _cached: OrderedDict[tuple[str, str, ModelName], ModelDetails] = field(
        default_factory=OrderedDict, init=False
    )
    _lock: Lock = field(default_factory=Lock, init=False)

    def get(
        self, key: tuple[str, str, ModelName], read: Callable[[], ModelDetails]
    ) -> ModelDetails:
        """Return the details of a repository's commit and model; `read` them if need be."""
        with self._lock:
            found = self._cached.get(key)
            if found is not None:
                self._cached.move_to_end(key)
                return found
        found = read()
        with self._lock:
            self._cached[key] = found
            if len(self._cached) > _MOST_CACHED:
                self._cached.popitem(last=False)
        return found


@dataclass(slots=True)
class AnnotationsCache:
    """What each repository's default branch says of its models, as of the last fetch."""

    _cached: dict[str, tuple[datetime, Mapping[ModelName, Annotation]]] = field(
        default_factory=dict, init=False
    )
    _lock: KeyedLocks = field(default_factory=KeyedLocks, init=False)

    def get(
        self,
        repository: str,
        refreshed: datetime,
        read: Callable[[], Mapping[ModelName, Annotation]],
    ) -> Mapping[ModelName, Annotation]:
        """Return the annotations of a repository fetched at `refreshed`; `read` new ones."""
        with self._lock.hold((repository, 0)):
            moment, found = self._cached.get(repository, (None, {}))
            if moment != refreshed:
                found = read()
                self._cached[repository] = refreshed, found
            return found


def read_details(model: ModelName, revision: Revision) -> ModelDetails:
    """Return the details; what cannot be read is a problem, not an error.

    Raise `Unreachable` if the repository cannot be read.
    """
    problems: list[str] = []

    def attempt(read: Callable[[], _Found], otherwise: _Found) -> _Found:
        try:
            return read()
        except UnexpectedAnswer as error:
            problems.append(error.message)
            return otherwise

    said: Mapping[ModelName, Annotation] = {}
    said = attempt(lambda: annotations_in(model.folder, revision), said)
    values = attempt(lambda: _values(model.folder, revision), Values())
    card = attempt(lambda: _card(model, revision), None)
    annotation = said.get(model, Annotation())
    shown = tuple(dict.fromkeys(printable(each, 500) for each in problems))
    return ModelDetails(revision.commit(), annotation, values, card, shown)


def _values(folder: str, revision: Revision) -> Values:
    def read(paths: Iterable[str]) -> Mapping[str, bytes]:
        return dict(_small_files(paths, revision))

    return metrics.values_in(folder, revision.revision, read)


def _small_files(paths: Iterable[str], revision: Revision) -> Iterator[tuple[str, bytes]]:
    wanted = list(paths)
    revision.fetch(wanted)
    for path in wanted:
        entry = revision.find(path)
        if entry is not None and entry.is_file:
            yield path, revision.read_one(path, _LARGEST_FILE)


def _card(model: ModelName, revision: Revision) -> Card | None:
    """Return the card in the model's folder, else beside it, else beside its `dvc.yaml`."""
    root: str | ExternalFile = model.folder
    with suppress(BadInput, NoSuchModel, UnexpectedAnswer):
        root = artifacts.path_of(model, revision)
    path = root.path if isinstance(root, ExternalFile) else root
    for folder in dict.fromkeys((path, posixpath.dirname(path), model.folder)):
        there = revision.listing(folder)
        for name in CARDS:
            if name in there and there[name].is_file:
                return _read_card(posixpath.join(folder, name), revision)
    return None


def _read_card(path: str, revision: Revision) -> Card:
    try:
        return Card(path, revision.read_one(path, LARGEST_CARD))
    except UnexpectedAnswer as error:
        raise UnexpectedAnswer(
            f"{path} is not shown, because it has more than {human_size(LARGEST_CARD)}"
        ) from error


def read_annotations(
    models: Iterable[ModelName], revision: Revision
) -> Mapping[ModelName, Annotation]:
    """Return what the `dvc.yaml` files of one commit say of the models, as far as they are small.

    Raise `Unreachable` if the repository cannot be read.
    """
    folders = sorted({name.folder for name in models})[:MOST_ANNOTATED_FOLDERS]
    paths = [posixpath.join(folder, "dvc.yaml") for folder in folders]
    revision.fetch(paths)
    found: dict[ModelName, Annotation] = {}
    left = _LARGEST_OF_ALL
    for folder, path in zip(folders, paths, strict=True):
        try:
            entry = revision.find(path)
            if entry is not None and entry.is_file:
                left -= len(revision.read_one(path, min(_LARGEST_ANNOTATIONS, left)))
                found.update(annotations_in(folder, revision))
        except UnexpectedAnswer:
            continue
        if left <= 0:
            break
    return found
