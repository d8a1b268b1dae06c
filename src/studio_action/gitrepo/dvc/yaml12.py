"""YAML 1.2 by the library that DVC reads it with, within bounds. Pure.

To DVC a document is one that `ruamel.yaml` calls safe: `no` and `on` are texts, `012` is twelve,
a key that is there twice is an error. Whichever parser there is (libyaml's is four times as fast
as the one in Python) reads the same, or refuses. Imported where there is a document to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.loader import SafeLoader
from ruamel.yaml.main import CParser  # type: ignore[attr-defined]  # None where there is none
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.resolver import Resolver

DEEPEST = 50
"""Lists and mappings in each other."""
MOST_VALUES = 300_000
"""Values and keys, as often as aliases and `<<` repeat them: 35,000 outputs of a lock."""
LONGEST_NUMBER = 1000
"""Characters; reading a number takes the square of them."""
MOST_DIRECTIVES = 100
"""Lines like `%TAG`, each of which the parser compares with all others."""
_LONGEST_NUMBER_AS_KEY = 18
"""Digits below which numbers have different hashes, so that no mapping becomes slow."""

FAULTS = (
    YAMLError,
    # What the library lets through: dates out of range, tags that do not fit their values.
    *(ValueError, TypeError, AttributeError, LookupError, OverflowError, AssertionError),
    *(RecursionError,),
)
"""What `load` raises where a text is not YAML."""

_TOO_DEEP = f"is nested more than {DEEPEST} deep"
_TOO_MANY = f"has more than {MOST_VALUES} values, aliases counted as what they repeat"


class Refused(Exception):
    """The document is beyond a bound; says which, as in `has more than 5 values`."""


def load(text: str, *, pure: bool = False) -> object:
    """Return the value that `text` is; raise `Refused` or one of `FAULTS`.

    Whoever goes through it, aliases and all, takes `MOST_VALUES` steps at most. `pure` is for the
    parser in Python, which is there in any case.
    """
    return _loader(text, pure=pure).get_single_data()


def compose(text: str, *, pure: bool = False) -> Node | None:
    """Return the nodes of the document, which know their lines, or None if it has none.

    Raises what `load` raises, but for a key that is there twice. Going through it, aliases and all,
    takes `MOST_VALUES` steps at most.
    """
    node: Node | None = _loader(text, pure=pure).get_single_node()
    return node


def _loader(text: str, *, pure: bool) -> _Loader:
    if text.count("\n%") > MOST_DIRECTIVES:
        raise Refused(f"has more than {MOST_DIRECTIVES} directives")
    return _Loader(text, SafeLoader if pure or CParser is None else CParser)


class _Loader(Composer, SafeConstructor, Resolver):
    """The library's safe loader, with whichever parser there is.

    Counts what is written while it is read, and what aliases make of it before it is made.
    """

    def __init__(self, text: str, parser: Callable[[str], Any]) -> None:
        self._parser = parser(text)
        Composer.__init__(self, loader=self)
        SafeConstructor.__init__(self, loader=self)
        Resolver.__init__(self, loadumper=self)
        self.warn_double_anchors = False  # the last one counts
        self.allow_duplicate_keys = False
        self.max_depth = 0
        self._left = MOST_VALUES

    @property
    def processing_version(self) -> tuple[int, int]:
        return 1, 2

    def compose_document(self) -> Any:
        version = self._parser.peek_event().version
        if version not in (None, (1, 2)):
            raise Refused(f"is YAML {'.'.join(map(str, version))}, not 1.2")
        node = super().compose_document()
        _count(node, 1, {})
        return node

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Refused(_TOO_MANY)
        if self.depth > DEEPEST:
            raise Refused(_TOO_DEEP)
        return super().compose_node(parent, index)

    def construct_yaml_int(self, node: Any) -> int:
        if len(node.value) > LONGEST_NUMBER:
            raise Refused(f"has a number of more than {LONGEST_NUMBER} characters")
        return super().construct_yaml_int(node)

    def check_mapping_key(
        self, node: Any, key_node: Any, mapping: Any, key: Any, value: Any
    ) -> bool:
        if key in mapping:  # the library would quote the values, however large they are
            line = key_node.start_mark.line + 1
            raise Refused(f"has the key {str(key)[:100]!r} twice, again in line {line}")
        return True


_Loader.add_default_constructor("int")


def _count(node: Node, level: int, known: dict[Node, tuple[int, int]]) -> tuple[int, int]:
    """Return how many values there are at and below `node`, which is `level` deep, and how deep
    they are.

    Aliases count as what they stand for. `known` has what was counted already.
    """
    if isinstance(node, ScalarNode):
        return 1, 0
    if level > DEEPEST:  # where what contains itself ends
        raise Refused(_TOO_DEEP)
    if node not in known:
        counts = [_count(child, level + 1, known) for child in _children(node)]
        total = 1 + sum(count for count, _ in counts)
        if total > MOST_VALUES:
            raise Refused(_TOO_MANY)
        known[node] = total, 1 + max((depth for _, depth in counts), default=0)
    if level + known[node][1] - 1 > DEEPEST:
        raise Refused(_TOO_DEEP)
    return known[node]


def _children(node: Node) -> list[Node]:
    if not isinstance(node, MappingNode):
        return list(node.value)
    for key, _ in node.value:
        _check_key(key)
    return [child for pair in node.value for child in pair]


def _check_key(key: Node) -> None:
    if not isinstance(key, ScalarNode):
        raise Refused("has a list or a mapping for a key")
    if len(key.value) > _LONGEST_NUMBER_AS_KEY and key.tag == "tag:yaml.org,2002:int":
        raise Refused(f"has a number of more than {_LONGEST_NUMBER_AS_KEY} digits for a key")
