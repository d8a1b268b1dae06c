"""One stage as often as `foreach` or `matrix` say: what each is called, and its `item`. Pure.

The names and the order are those of `ForeachDefinition` and `MatrixDefinition` of
`dvc/parsing/__init__.py`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from studio_action.gitrepo.dvc.documents import Node
from studio_action.gitrepo.dvc.templates.budget import Budget
from studio_action.gitrepo.dvc.templates.expressions import shown, sole_reference

Fill = Callable[[Node], Node]
"""Fills in all that is in a node; a `${…}` may become a list or a mapping there."""

Repeated = Mapping[str, Mapping[str, object]]

ITEM, KEY = "item", "key"


@dataclass(frozen=True, slots=True)
class _Element:
    """A value of a list. DVC writes a truth that a variable has as `True`, any other as `true`."""

    value: object
    of_variable: bool

    @property
    def is_composite(self) -> bool:
        return isinstance(self.value, list | dict)

    @property
    def name(self) -> str:
        return str(self.value) if self.of_variable else shown(self.value)

    def named(self, axis: str, place: int) -> str:
        """Return it as a part of a name, or its place in the list if it is composite."""
        return f"{axis}{place}" if self.is_composite else self.name


def of_foreach(node: Node, fill: Fill, budget: Budget) -> Repeated:
    """Return what `item` and `key` are for each generated stage, by what its name ends in.

    Raises `UnexpectedAnswer` where `node` is neither a list nor a mapping.
    """
    filled = fill(node)
    if isinstance(filled.value, dict):
        pairs = {shown(key): value for key, value in _entries(node, filled.value)}
        budget.spend_stages(len(pairs))
        return {name: {ITEM: value, KEY: name} for name, value in pairs.items()}
    elements = _elements(node, filled)
    budget.spend_stages(len(elements))
    by_place = any(each.is_composite for each in elements)
    return {
        str(place) if by_place else each.name: {ITEM: each.value}
        for place, each in enumerate(elements)
    }


def of_matrix(node: Node, fill: Fill, budget: Budget) -> Repeated:
    """Return the same for a `matrix`: one stage for each way to take one value of every list."""
    axes: dict[str, list[_Element]] = {}
    for key, values in node.mapping().items():
        name = shown(fill(replace(node, value=key)).value)
        axes[name] = _elements(values, fill(values), of_text=True)
    budget.spend_stages(math.prod(map(len, axes.values())) * max(1, len(axes)))
    found: dict[str, Mapping[str, object]] = {}
    for places in itertools.product(*map(enumerate, axes.values())):
        chosen = dict(zip(axes, places, strict=True))
        name = "-".join(each.named(axis, place) for axis, (place, each) in chosen.items())
        item = {axis: each.value for axis, (_, each) in chosen.items()}
        found[name] = {ITEM: item, KEY: name}
    return found


def _entries(node: Node, value: dict[object, object]) -> Iterator[tuple[object, object]]:
    """Return the entries of a mapping; of a variable's, those that a `${…}` can name."""
    of_variable = isinstance(node.value, str)
    return ((key, it) for key, it in value.items() if not of_variable or isinstance(key, str))


def _elements(node: Node, filled: Node, *, of_text: bool = False) -> list[_Element]:
    """Return the elements of a list as it stands there (`node`), and as it is `filled`.

    A matrix takes the keys of a variable's mapping, and the characters of a text (`of_text`).
    """
    value = filled.value
    if isinstance(node.value, list):
        whole = [isinstance(it, str) and sole_reference(it) is not None for it in node.value]
        return [_Element(it.value, of) for it, of in zip(filled.sequence(), whole, strict=True)]
    if isinstance(value, list):
        return [_Element(it, of_variable=True) for it in value]
    if of_text and isinstance(node.value, str) and isinstance(value, dict):
        return [_Element(key, of_variable=False) for key in value if isinstance(key, str)]
    if of_text and isinstance(value, str) and sole_reference(str(node.value)) is None:
        return [_Element(it, of_variable=False) for it in value]
    raise node.wrong("is neither a list nor a mapping")
