"""Values of a YAML file that anyone may have written, which know where they are. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc import yaml12
from studio_action.text import printable

MOST_ENTRIES = 1000
"""Entries of a list."""
HINT = "docs/policy.md has all keys, and an example"
_LONGEST = 100
_KINDS = {"str": "a text", "int": "a number", "bool": "true or false", "null": "nothing"}
T = TypeVar("T")


def read(content: bytes, called: str, hint: str = HINT) -> YamlValue:
    """Return the value that is the document; raise `BadInput` for what is no YAML, or too much.

    `hint` says how to write it.
    """
    try:
        node = yaml12.compose(content.decode())
    except yaml12.Refused as error:
        raise BadInput(f"{called} {printable(str(error), 200)}", hint) from None
    except yaml12.FAULTS as error:
        fault = printable(str(error)[:1000], 300)
        raise BadInput(f"{called} is not YAML: {fault}", hint) from None
    if node is None:
        raise BadInput(f"{called} is empty", "Write rules, or delete the file")
    return YamlValue(node, called, hint)


@dataclass(frozen=True, slots=True)
class YamlValue:
    """One value of the file, and where it is."""

    node: Node
    document: str
    hint: str = HINT

    def wrong(self, fault: str, hint: str = "") -> BadInput:
        """Return the error that says what is wrong with the value, and where it is."""
        return _fault(self.document, self.node, fault, hint)

    def mapping(self, known: Collection[str]) -> Mapping[str, YamlValue]:
        """Return the values by key; raise `BadInput` for a key that is not known, or twice."""
        if not isinstance(self.node, MappingNode):
            raise self.wrong(f"is {self._kind}, not a mapping of keys", self.hint)
        found: dict[str, YamlValue] = {}
        for key, value in self.node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            if name not in known:
                near = difflib.get_close_matches(name[:_LONGEST], known, 1)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(known)}"
                shown = repr(printable(name, _LONGEST))
                raise _fault(self.document, key, f"unknown key {shown}", hint)
            if name in found:
                raise _fault(self.document, key, f"key {name!r} is there twice")
            found[name] = YamlValue(value, self.document, self.hint)
        return found

    def items(self) -> list[YamlValue]:
        """Return the items of a list."""
        if not isinstance(self.node, SequenceNode):
            raise self.wrong(f"is {self._kind}, not a list", self.hint)
        return [YamlValue(item, self.document, self.hint) for item in self.node.value]

    def text(self) -> str:
        """Return a text."""
        if self._tag != "str":
            raise self.wrong(f"is {self._kind}, not a text", "Put it in quotes")
        if not self.node.value.strip():
            raise self.wrong("is empty")
        return str(self.node.value)

    @property
    def is_mapping(self) -> bool:
        """Return whether it is a mapping of keys."""
        return isinstance(self.node, MappingNode)

    def scalar(self) -> str:
        """Return a text, a number or a truth value as it is written; '' for nothing."""
        if not isinstance(self.node, ScalarNode):
            raise self.wrong(f"is {self._kind}, not a text", self.hint)
        return "" if self._tag == "null" else str(self.node.value)

    def texts(self) -> tuple[str, ...]:
        """Return the texts of a list, or the only one."""
        values = self.items() if isinstance(self.node, SequenceNode) else [self]
        if not values or len(values) > MOST_ENTRIES:
            raise self.wrong(f"must have 1 to {MOST_ENTRIES} entries")
        return tuple(value.text() for value in values)

    def true(self) -> bool:
        """Return true; raise `BadInput` for anything else: what is not required is left out."""
        if self._tag != "bool" or self.node.value.lower() != "true":
            raise self.wrong("is not true", "Leave the key out where it is not required")
        return True

    def choice(self, *choices: str) -> str:
        """Return one of some words."""
        if self._tag != "str" or self.node.value not in choices:
            raise self.wrong(f"is not one of {', '.join(choices)}")
        return str(self.node.value)

    def parsed(self, parse: Callable[[str], T]) -> T:
        """Return what `parse` makes of a text or a number."""
        if self._tag not in ("str", "int"):
            raise self.wrong(f"is {self._kind}, not a text")
        try:
            return parse(self.node.value)
        except ValueError as error:
            shown = repr(printable(self.node.value, _LONGEST))
            raise self.wrong(f"{shown} {error}") from None

    def checked(self, check: Callable[[str], None]) -> tuple[str, ...]:
        """Return the texts, each of which `check` must let pass."""
        found = self.texts()
        for text in found:
            try:
                check(text)
            except ValueError as error:
                raise self.wrong(f"{printable(text, _LONGEST)!r} {error}") from None
        return found

    @property
    def _tag(self) -> str:
        return str(self.node.tag).removeprefix("tag:yaml.org,2002:")

    @property
    def _kind(self) -> str:
        """Return what it is, in words."""
        if isinstance(self.node, ScalarNode):
            return _KINDS.get(self._tag, "another kind of value")
        return "a list" if isinstance(self.node, SequenceNode) else "a mapping"


def _fault(document: str, node: Node, fault: str, hint: str = "") -> BadInput:
    at = node.start_mark
    return BadInput(f"{document}, line {at.line + 1}, column {at.column + 1}: {fault}", hint)
