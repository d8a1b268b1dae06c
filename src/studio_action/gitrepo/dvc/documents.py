"""YAML and JSON from a repository, which anyone may have written. Pure.

Whatever is wrong with a document is an `UnexpectedAnswer` that says which and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import cast

from studio_action.errors import UnexpectedAnswer
from studio_action.net import bounded_json
from studio_action.text import human_size, printable

LARGEST = 16 << 20
"""Bytes of a document; a `dvc.lock` of ten thousand outputs has one million."""
_LARGE = 1 << 18
_ONE_LARGE = Lock()
"""While a document is parsed, it takes some hundred times its size: one large one at a time."""

_HINT = "Check that file at that commit"


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
        """Return the values by key; none where there is nothing."""
        pairs = self._pairs().items()
        return {self._name(key): self._under(value, self._name(key)) for key, value in pairs}

    def pairs(self) -> Iterator[tuple[object, Node]]:
        """Return the keys, which need not be texts, and values; none where there is nothing."""
        return ((key, self._under(value, str(key))) for key, value in self._pairs().items())

    def get(self, key: str) -> Node:
        """Return the value of a mapping's `key`; nothing where it is not there."""
        return self._under(self._pairs().get(key), key)

    def sequence(self) -> Sequence[Node]:
        """Return the items; none where there is nothing."""
        if not isinstance(self.value, list | None):
            raise self._wrong("a list")
        items = cast("list[object]", self.value or [])
        return [self._under(item, number) for number, item in enumerate(items)]

    def text(self) -> str:
        """Return the text; '' where there is nothing."""
        if not isinstance(self.value, str | None):
            raise self._wrong("a text")
        return self.value or ""

    def size(self) -> int | None:
        """Return a number of bytes; None where there is nothing."""
        if self.value is None:
            return None
        if type(self.value) is not int or self.value < 0:
            raise self._wrong("a number of bytes")
        return self.value

    def flag(self, default: bool) -> bool:
        """Return true or false; `default` where there is nothing."""
        if not isinstance(self.value, bool | None):
            raise self._wrong("true or false")
        return default if self.value is None else self.value

    def wrong(self, fault: str) -> UnexpectedAnswer:
        """Return the error that says what is wrong with the value."""
        return UnexpectedAnswer(f"{self.place} {fault}", _HINT)

    def _pairs(self) -> dict[object, object]:
        if not isinstance(self.value, dict | None):
            raise self._wrong("a mapping")
        return cast("dict[object, object]", self.value or {})

    def _name(self, key: object) -> str:
        if not isinstance(key, str):
            raise self.wrong(f"has a key that is not a text: {printable(repr(key), 100)}")
        return key

    def _under(self, value: object, step: str | int) -> Node:
        return Node(value, self.document, (*self.steps, step))

    def _wrong(self, wanted: str) -> UnexpectedAnswer:
        return self.wrong(f"is not {wanted}")


def read_yaml(document: str, content: bytes) -> Node:
    """Return the YAML in `content`, an empty mapping if it has none; `document` is what errors call
    it.
    """
    from studio_action.gitrepo.dvc import yaml12

    if len(content) > LARGEST:
        raise UnexpectedAnswer(
            f"{document} has {human_size(len(content))}, more than {human_size(LARGEST)}", _HINT
        )
    try:
        with _ONE_LARGE if len(content) > _LARGE else nullcontext():
            return Node(yaml12.load(content.decode()) or {}, document)
    except yaml12.Refused as error:
        raise UnexpectedAnswer(f"{document} {printable(str(error))}", _HINT) from error
    except yaml12.FAULTS as error:
        raise _unreadable(document, "YAML", error) from error


def read_json(document: str, content: bytes, most_values: int = bounded_json.MOST_VALUES) -> Node:
    """Return the JSON in `content`; `document` is what errors call it."""
    try:
        return Node(bounded_json.read(content, most_values=most_values), document)
    except ValueError as error:
        raise _unreadable(document, "JSON", error) from error


def _unreadable(document: str, kind: str, error: Exception) -> UnexpectedAnswer:
    fault = printable(str(error)[:1000], 200)  # some errors quote the document
    return UnexpectedAnswer(f"{document} is not {kind}: {fault}", _HINT)
