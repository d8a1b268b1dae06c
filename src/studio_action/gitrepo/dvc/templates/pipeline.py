"""The artifacts and stages of a `dvc.yaml`, with its templates filled in. Pure.

Only what tells where something is gets filled in (an artifact's path, a stage's outputs), and
variables are read only where a template asks for them; DVC fills in all, and refuses a `dvc.yaml`
for any fault. The rest is as `dvc/parsing/__init__.py` has it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial

from studio_action.gitrepo.dvc.documents import Node
from studio_action.gitrepo.dvc.templates.budget import Budget
from studio_action.gitrepo.dvc.templates.expressions import Unfilled, fill, is_plain, shown
from studio_action.gitrepo.dvc.templates.files import Read, VariableFiles
from studio_action.gitrepo.dvc.templates.repetition import Repeated, of_foreach, of_matrix
from studio_action.gitrepo.dvc.templates.variables import DEFAULT, Variables, add_all
from studio_action.text import printable

OUTPUTS = ("outs", "metrics", "plots")

Load = Callable[[], Variables]
"""Gives the variables, which are read when the first template asks."""


class Pipeline:
    """The `dvc.yaml` in `folder`, which `document` is; `read` gives the revision's files.

    Everything raises `UnexpectedAnswer` where the `dvc.yaml` or a file of variables makes no sense.
    """

    def __init__(self, folder: str, document: Node, revision: str, read: Read) -> None:
        self._folder, self._document = folder, document
        self._files = VariableFiles(read, revision)
        self._budget = Budget(document.document)
        self._repeated: dict[str, Repeated] = {}

    @cached_property
    def _variables(self) -> Variables:
        """Those of the whole `dvc.yaml`."""
        variables = Variables()
        if self._files.find(posixpath.join(self._folder, DEFAULT)) is not None:
            variables = variables.added_file(DEFAULT, self._folder, self._files, self._budget)
        node = self._document.get("vars")
        return add_all(variables, node, self._folder, self._files, self._budget)

    def artifacts(self) -> Mapping[str, Node]:
        """Return what is annotated, by name; see `path_of_artifact`."""
        found: dict[str, Node] = {}
        for name, node in self._document.get("artifacts").mapping().items():
            found[self.filled(replace(node, value=name)).text()] = node
        return found

    def filled(self, node: Node) -> Node:
        """Return a value that belongs to no stage, such as the path of an artifact."""
        return self._filled(node, self._top)

    def stage(self, name: str) -> Node | None:
        """Return the `wdir` and the `OUTPUTS` of a stage, None if there is none of that name.

        The name of one that is generated is that of its template, `@` and its own.
        """
        group, at, key = name.rpartition("@") if "@" in name else (name, "", "")
        definition = self._stages.get(group)
        if definition is None or bool(at) != bool(_kind(definition)):
            return None
        if not at:
            return self._told(definition, self._top)
        items = self._items(group, definition).get(key)
        if items is None:
            return None
        template = (
            definition if definition.get("matrix").value is not None else definition.get("do")
        )
        return self._told(template, lambda: self._variables.repeated(items))

    @cached_property
    def _stages(self) -> Mapping[str, Node]:
        return self._document.get("stages").mapping()

    def _top(self) -> Variables:
        return self._variables

    def _items(self, name: str, definition: Node) -> Repeated:
        if name not in self._repeated:
            kind = _kind(definition)
            read_items = of_matrix if kind == "matrix" else of_foreach
            anything = partial(self._filled, load=self._top, composite=True)
            self._repeated[name] = read_items(definition.get(kind), anything, self._budget)
        return self._repeated[name]

    def _told(self, definition: Node, load: Load) -> Node:
        """Return what a stage says of its outputs, filled in."""
        own = definition.get("vars")
        variables = _once(partial(self._with_own, load, definition, own)) if own.value else load
        told = {
            key: self._filled(definition.get(key), variables).value
            for key in ("wdir", *OUTPUTS)
            if definition.get(key).value is not None
        }
        return replace(definition, value=told)

    def _with_own(self, load: Load, definition: Node, own: Node) -> Variables:
        """Return the variables of a stage that has `vars`, in files as seen from its `wdir`."""
        wdir = self._filled(definition.get("wdir"), load)
        folder = posixpath.join(self._folder, shown(wdir.value or ""))
        return add_all(load(), own, folder, self._files, self._budget)

    def _filled(self, node: Node, load: Load, *, composite: bool = False) -> Node:
        """Return `node` with all templates in it filled in, each with a list or mapping if
        `composite`.
        """
        value = node.value
        self._budget.spend(1)
        fill_in = partial(self._filled, load=load, composite=composite)
        if isinstance(value, list):
            return replace(node, value=[fill_in(item).value for item in node.sequence()])
        if isinstance(value, dict):
            return replace(node, value=dict(self._filled_pairs(node, fill_in)))
        if isinstance(value, str) and "${" in value:
            return replace(node, value=self._filled_text(node, value, load, composite=composite))
        return node

    def _filled_pairs(
        self, node: Node, fill_in: Callable[[Node], Node]
    ) -> Iterator[tuple[object, object]]:
        for key, value in node.pairs():
            filled = fill_in(replace(value, value=key)).value
            if not is_plain(filled):
                raise value.wrong("has a template for a key that becomes no text")
            yield filled, fill_in(value).value

    def _filled_text(self, node: Node, text: str, load: Load, *, composite: bool) -> object:
        try:
            value = fill(text, lambda name: load().select(name), self._budget.spend_text)
            if not composite and not is_plain(value):
                raise Unfilled(f"is {text[:200]}, a {type(value).__name__}")
        except Unfilled as error:
            raise node.wrong(printable(str(error), 500)) from error
        return value


def _kind(definition: Node) -> str:
    """Return `matrix` or `foreach`, whichever repeats a stage; '' where it is one."""
    words = ("matrix", "foreach")
    return next((word for word in words if definition.get(word).value is not None), "")


def _once(load: Load) -> Load:
    found: list[Variables] = []

    def loaded() -> Variables:
        if not found:
            found.append(load())
        return found[0]

    return loaded
