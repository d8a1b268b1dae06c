"""YAML and JSON from a repository, which anyone may have written. Pure.

Whatever is wrong with a document is an `UnexpectedAnswer` that says which and where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml

from studio_action import bounded_json
from studio_action.errors import UnexpectedAnswer
from studio_action.text import printable

_LARGEST = 64 << 20
_DEEPEST = 50  # the C loader recurses, and a deep document would end the process
_LARGEST_MAPPING = 100_000

_HINT = "Look at that file at that commit"


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document, and the steps to it: `("stages", "train", "outs", 0)`.

    Reading it as another kind of value than it is raises `UnexpectedAnswer`.
    """

    value: object
    document: str
    steps: tuple[str | int, ...] = ()

    @property
    def place(self) -> str:
        """Where it is, in words: `dvc.lock, stages.train.outs[0]`."""
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        return printable(f"{self.document}, {steps.removeprefix('.')}" if steps else self.document)

    def mapping(self) -> Mapping[str, Node]:
        """The values by key; none where there is nothing."""
        return {str(key): self._under(value, str(key)) for key, value in self._pairs().items()}

    def get(self, key: str) -> Node:
        """The value of a mapping's `key`; nothing where it is not there."""
        return self._under(self._pairs().get(key), key)

    def sequence(self) -> Sequence[Node]:
        """The items; none where there is nothing."""
        if not isinstance(self.value, list | None):
            raise self._wrong("a list")
        items = cast("list[object]", self.value or [])
        return [self._under(item, number) for number, item in enumerate(items)]

    def text(self) -> str:
        """The text; '' where there is nothing."""
        if not isinstance(self.value, str | None):
            raise self._wrong("a text")
        return self.value or ""

    def size(self) -> int | None:
        """A number of bytes; None where there is nothing."""
        if self.value is None:
            return None
        if type(self.value) is not int or self.value < 0:
            raise self._wrong("a number of bytes")
        return self.value

    def flag(self, default: bool) -> bool:
        """True or false; `default` where there is nothing."""
        if not isinstance(self.value, bool | None):
            raise self._wrong("true or false")
        return default if self.value is None else self.value

    def wrong(self, fault: str) -> UnexpectedAnswer:
        """The error that says what is wrong with the value."""
        return UnexpectedAnswer(f"{self.place} {fault}", _HINT)

    def _pairs(self) -> dict[object, object]:
        if not isinstance(self.value, dict | None):
            raise self._wrong("a mapping")
        return cast("dict[object, object]", self.value or {})

    def _under(self, value: object, step: str | int) -> Node:
        return Node(value, self.document, (*self.steps, step))

    def _wrong(self, wanted: str) -> UnexpectedAnswer:
        return self.wrong(f"is not {wanted}")


def read_yaml(document: str, content: bytes) -> Node:
    """The YAML in `content`; `document` is what errors call it."""
    _check_size(document, content)
    try:
        _check_depth(document, content)
        return Node(yaml.load(content, Loader=_Loader), document)
    except (yaml.YAMLError, *_FAULTS) as error:
        fault = printable(str(error), 200)
        raise UnexpectedAnswer(f"{document} is not YAML: {fault}", _HINT) from error


def read_json(document: str, content: bytes) -> Node:
    """The JSON in `content`; `document` is what errors call it."""
    try:
        return Node(bounded_json.read(content), document)
    except ValueError as error:
        fault = printable(str(error), 200)
        raise UnexpectedAnswer(f"{document} is not JSON: {fault}", _HINT) from error


# What the loaders let through: dates and numbers out of range, bytes that are no text, depth.
_FAULTS = (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SAFE):  # type: ignore[misc]  # whichever there is
    """The safe loader, with an end to `<<`, each of which can double a mapping."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _LARGEST_MAPPING:
            raise yaml.YAMLError(f"a mapping has more than {_LARGEST_MAPPING} entries")


def _check_size(document: str, content: bytes) -> None:
    if len(content) > _LARGEST:
        raise UnexpectedAnswer(f"{document} has {len(content)} bytes, more than {_LARGEST}", _HINT)


def _check_depth(document: str, content: bytes) -> None:
    depth = 0
    for event in yaml.parse(content, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise UnexpectedAnswer(f"{document} is nested more than {_DEEPEST} deep", _HINT)
