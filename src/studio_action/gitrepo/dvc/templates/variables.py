"""What `${…}` may name, as `dvc/parsing/context.py` has it. Pure.

Mappings of several files become one, a value that two of them set is an error; `item` and `key`
of a repeated stage stand before all.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from studio_action.gitrepo.dvc.documents import Node
from studio_action.gitrepo.dvc.templates.budget import Budget
from studio_action.gitrepo.dvc.templates.expressions import Unfilled, references, steps
from studio_action.gitrepo.dvc.templates.files import VariableFiles
from studio_action.text import printable

DEFAULT = "params.yaml"

_STEPS_OF_A_FILE = 100

Values = Mapping[str, object]
Imports = Mapping[str, tuple[str, ...] | None]
"""The keys that were taken of each file; None where it was taken whole."""


@dataclass(frozen=True, slots=True)
class Variables:
    """The values by name; `items` are those of the one stage that they are for."""

    values: Values = field(default_factory=dict)
    items: Values = field(default_factory=dict)
    imports: Imports = field(default_factory=dict)

    def select(self, name: str) -> object:
        """Return the value of a name such as `a.b[0]`; raise `Unfilled` where there is none."""
        first, *rest = steps(name)
        value: object = self.items if first in self.items else self.values
        for step in (first, *rest):
            try:
                value = _under(value, step)
            except (LookupError, ValueError, TypeError):
                raise Unfilled(f"has ${{{name[:200]}}}, and no variable is called that") from None
        return value

    def repeated(self, items: Values) -> Variables:
        """Return the same for one stage of those that are generated."""
        return replace(self, items=items)

    def added(self, update: Values, source: str, budget: Budget) -> Variables:
        """Return these and others; raise `Unfilled` for what both have, or for `item`."""
        if reserved := sorted(self.items.keys() & update.keys()):
            raise Unfilled(f"sets {reserved[0]!r} in {source}, which the repetition sets")
        return replace(self, values=_merged(self.values, update, (), source, budget))

    def added_file(self, item: str, folder: str, files: VariableFiles, budget: Budget) -> Variables:
        """Return these and those of a file, `item` being `PATH` or `PATH:KEY,KEY`, seen from
        `folder`.
        """
        budget.spend(_STEPS_OF_A_FILE)
        named, _, listed = item.partition(":")
        path = posixpath.normpath(posixpath.join(folder, named))
        keys = tuple(filter(None, listed.split(","))) or None
        if path in self.imports and keys is None and self.imports[path] is None:
            return self
        self._check_new(path, keys, item)
        found = files.find(path)
        if found is None:
            raise Unfilled(f"names {item[:200]!r}, which is not there")
        added = self.added(_chosen(found, keys, item), item[:200], budget)
        earlier = self.imports.get(path)
        return replace(added, imports={**self.imports, path: keys and (*(earlier or ()), *keys)})

    def _check_new(self, path: str, keys: tuple[str, ...] | None, item: str) -> None:
        if path not in self.imports:
            return
        earlier = self.imports[path]
        if keys is None or earlier is None or set(keys) & set(earlier):
            raise Unfilled(f"names {item[:200]!r}, of which something was taken before")


def add_all(
    variables: Variables, node: Node, folder: str, files: VariableFiles, budget: Budget
) -> Variables:
    """Return `variables` and those of a `vars`, `node`: mappings, and files below `folder`.

    Raises `UnexpectedAnswer` that says which cannot be taken.
    """
    for item in node.sequence():
        _check_literal(item)
        try:
            if isinstance(item.value, dict):
                variables = variables.added(cast("Values", item.value), "vars", budget)
            else:
                variables = variables.added_file(item.text(), folder, files, budget)
        except Unfilled as error:
            raise item.wrong(printable(str(error), 500)) from error
    return variables


def _check_literal(node: Node) -> None:
    if isinstance(node.value, str) and next(references(node.value), None):
        raise node.wrong("is a template, which variables cannot be")
    if isinstance(node.value, list):
        for item in node.sequence():
            _check_literal(item)
    if isinstance(node.value, dict):
        for key, value in node.pairs():
            _check_literal(replace(node, value=key))
            _check_literal(value)


def _under(value: object, step: str) -> object:
    if isinstance(value, list):
        return value[int(step)]
    if isinstance(value, Mapping):
        return value[step]
    raise LookupError(step)


def _chosen(found: Values, keys: tuple[str, ...] | None, item: str) -> Values:
    if keys is None:
        return found
    if missing := [key for key in keys if key not in found]:
        raise Unfilled(f"names {item[:200]!r}, which has no {missing[0]!r}")
    return {key: found[key] for key in keys}


def _merged(
    into: Values, update: Values, above: tuple[str, ...], source: str, budget: Budget
) -> Values:
    budget.spend(len(into) + len(update))
    new = dict(into)
    for key, value in update.items():
        if not isinstance(key, str):
            continue  # DVC leaves out what no `${…}` can name
        if key not in new:
            new[key] = value
            continue
        there = new[key]
        if not isinstance(there, Mapping) or not isinstance(value, Mapping):
            raise Unfilled(
                f"sets {'.'.join((*above, key))[:200]!r} in {source}, which was set before"
            )
        new[key] = _merged(there, value, (*above, key), source, budget)
    return new
