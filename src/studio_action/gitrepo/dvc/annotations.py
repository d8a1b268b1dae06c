"""What `dvc.yaml` says of a model for people: its type, labels and description. Pure.

The fields are in https://dvc.org/doc/user-guide/project-structure/dvcyaml-files#artifacts. They
are only shown: a field that is of another kind, or cannot be filled in, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc import artifacts
from studio_action.gitrepo.dvc.documents import Node
from studio_action.gitrepo.dvc.project import Files
from studio_action.gitrepo.dvc.templates.pipeline import Pipeline
from studio_action.model.artifact import ModelName
from studio_action.text import printable

MOST_LABELS = 50
_LONGEST = 100
_LONGEST_DESCRIPTION = 2000


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is said of one model; '' and nothing where nothing is. Each text is safe to show."""

    type: str = ""
    labels: tuple[str, ...] = ()
    description: str = ""


def annotations_in(folder: str, files: Files) -> Mapping[ModelName, Annotation]:
    """Return what the `dvc.yaml` in a folder says of each model; raise `UnexpectedAnswer` if it
    cannot be read.
    """
    old, pipeline = artifacts.annotations_in(folder, files)
    annotated = {**old, **pipeline.artifacts()}
    return {ModelName(name, folder): _read(node, pipeline) for name, node in annotated.items()}


def _read(node: Node, pipeline: Pipeline) -> Annotation:
    if not isinstance(node.value, dict):
        return Annotation()
    labels = node.get("labels")
    texts = labels.sequence() if isinstance(labels.value, list) else ()
    named = (_text(label, pipeline, _LONGEST) for label in texts[:MOST_LABELS])
    return Annotation(
        _text(node.get("type"), pipeline, _LONGEST),
        tuple(dict.fromkeys(filter(None, named))),
        _text(node.get("desc"), pipeline, _LONGEST_DESCRIPTION),
    )


def _text(node: Node, pipeline: Pipeline, longest: int) -> str:
    try:
        value = pipeline.filled(node).value
    except UnexpectedAnswer:
        return ""
    return printable(value, longest) if isinstance(value, str) else ""
