"""How the code is laid out: imports, inputs, the size of classes, and private attributes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypeGuard

import pytest

PACKAGE = "studio_action"
ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / PACKAGE
WALK = re.compile(r"^\*\*`(\w+)`\*\*", re.MULTILINE)

FLOORS = (
    {"__init__", "errors"},
    {"text", "signals"},
    {"model", "net"},
    {"workspace"},
    {"download"},
    {"gitrepo", "ci", "signature"},
    {"studio", "policy"},
    {"registries", "inputs"},
    {"outputs"},
    {"run", "server"},
    {"cli", "library"},
)
"""From the ground up. A room is a folder, or a file beside the folders; it imports from the floors
below, and from no other room on its own.
"""

GITREPO_FLOORS = (
    {"internal_addresses"},
    {"git"},
    {"gto", "signatures"},
    {"dvc"},
    {"checkout", "diagnosis", "remotes"},
    {"locate"},
)
"""The same inside of `gitrepo`, whose rooms are its folders and the files beside them."""

SEES_INPUTS = {"inputs", "cli", "library"}
"""The rooms that may look an input up; what is below gets a `RunConfig`, or a part of one."""

READS_THE_ENVIRONMENT = {
    "cli": "the door: everybody else is told",
    "library": "the other door, of those who call it from Python",
    "server.run.process": "sets what a library reads in the worker that it starts",
}
"""The modules that may name `os.environ`, and why."""

MOST_ATTRIBUTES = 12
MANY_ATTRIBUTES: dict[str, str] = {
    "model.artifact.Resolution": "what a selector meant: the one answer that all floors share",
    "library.Download": "a public value: all that a caller may ask of a download",
}
"""The classes with more attributes, and why."""

PRIVATE_USES = {
    ("gitrepo.remotes.hdfs", "_content"): "a body that was read in pieces, for requests"
}
"""The private attributes of another module's objects that are used, and why."""

FACADE = {"errors", "library"}
"""What the package itself hands on, imported when it is used first."""

PRIVATE_NAMES_OF_LIBRARIES = {"_asdict", "_exit", "_mapping"}
"""Documented ones: of rows of SQLAlchemy, and of `os`."""


def modules() -> dict[str, Path]:
    """The project's modules by their name below the package; '' is the package itself."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules of ours that a module imports, wherever in it, as `MODULES` names them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            targets = [name if _ours(name) in MODULES else node.module or "" for name in names]
        elif isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        else:
            continue
        yield from (_ours(name) for name in targets if name.split(".")[0] == PACKAGE)


def _ours(name: str) -> str:
    return name.removeprefix(PACKAGE).removeprefix(".")


def room(module: str) -> str:
    """The room that a module is in."""
    return module.split(".")[0] or "__init__"


Floors = tuple[set[str], ...]


def floor(module: str, floors: Floors) -> int:
    """The floor that a module is on; raises `StopIteration` for one that has no room."""
    return next(number for number, rooms in enumerate(floors) if room(module) in rooms)


def points_down(module: str, imported: str, floors: Floors = FLOORS) -> bool:
    """Whether an import stays in its room, or leads to a floor below."""
    return room(module) == room(imported) or floor(imported, floors) < floor(module, floors)


def environment_reads(tree: ast.AST) -> Iterator[int]:
    """The lines in which a module reads or writes the process's own environment."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "os" and node.attr in names:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for alias in node.names if alias.name in names)


def attributes(tree: ast.ClassDef) -> set[str]:
    """The attributes of an instance: the fields of a dataclass, and what `__init__` sets."""
    is_dataclass = any("dataclass" in ast.unparse(each) for each in tree.decorator_list)
    found = set()
    for node in tree.body:
        if is_dataclass and isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if "ClassVar" not in ast.unparse(node.annotation):
                found.add(node.target.id)
        elif isinstance(node, ast.FunctionDef) and node.name in ("__init__", "__post_init__"):
            found |= {each.attr for each in ast.walk(node) if _is_set_on_self(each)}
    return found


def _is_set_on_self(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def private_uses(tree: ast.AST) -> set[str]:
    """The private attributes that a module uses and does not define: those of others' objects."""
    nodes = list(ast.walk(tree))
    used = {each.attr for each in nodes if isinstance(each, ast.Attribute)}
    own = {each.name for each in nodes if isinstance(each, ast.FunctionDef)}
    own |= {each.attr for each in nodes if _is_set_on_self(each)}
    own |= {ast.unparse(each.target) for each in nodes if isinstance(each, ast.AnnAssign)}
    through_self = {
        each.attr
        for each in nodes
        if isinstance(each, ast.Attribute) and ast.unparse(each.value) in ("self", "cls", "super()")
    }
    names = used - own - through_self
    return {name for name in names if re.match("_(?!_)", name)} - PRIVATE_NAMES_OF_LIBRARIES


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules of a circle, if there is one."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


IMPORTS = {name: set(imports(tree)) for name, tree in TREES.items()}
IMPORTS[""] -= FACADE
ENVIRONMENT_READS = {name: list(environment_reads(tree)) for name, tree in TREES.items()}


def test_every_module_has_a_room() -> None:
    known = set().union(*FLOORS)
    assert [name for name in MODULES if room(name) not in known] == []


def test_imports_point_down() -> None:
    arrows = [(name, each) for name, found in IMPORTS.items() for each in found]
    assert [arrow for arrow in arrows if not points_down(*arrow)] == []


def test_imports_point_down_inside_gitrepo() -> None:
    inside = "gitrepo."
    arrows = [
        (name.removeprefix(inside), each.removeprefix(inside))
        for name, found in IMPORTS.items()
        for each in found
        if name.startswith(inside) and each.startswith(inside)
    ]
    assert arrows
    assert [arrow for arrow in arrows if not points_down(*arrow, GITREPO_FLOORS)] == []


def test_no_circle() -> None:
    assert circle({name: found - {name} for name, found in IMPORTS.items()}) == []


def test_inputs_are_seen_only_where_they_are_parsed() -> None:
    seeing = {room(name) for name, found in IMPORTS.items() if "inputs.lookup" in found}
    assert seeing == SEES_INPUTS


def test_the_environment_is_handed_down_from_the_door() -> None:
    reading = {name for name, lines in ENVIRONMENT_READS.items() if lines}
    assert reading == set(READS_THE_ENVIRONMENT)


def test_no_class_has_many_attributes_without_a_reason() -> None:
    classes = {
        f"{name}.{node.name}": len(attributes(node))
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    many = {name for name, count in classes.items() if count > MOST_ATTRIBUTES}
    assert many == set(MANY_ATTRIBUTES)


def test_private_attributes_are_used_by_their_own_module() -> None:
    found = {(name, each) for name, tree in TREES.items() for each in private_uses(tree)}
    assert found == set(PRIVATE_USES)


def test_the_page_about_the_floors_names_files_that_are_there() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z_/]+\.py)`", page)) - {"tests/test_architecture.py"}
    assert [name for name in named if not (SOURCE / name).is_file()] == []


def test_the_page_about_the_floors_has_short_walks() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    names, walks = re.findall(WALK, page), re.split(WALK, page)[2::2]
    assert names == ["model", "stage", "token", "branch", "url"]
    assert [name for name, walk in zip(names, walks, strict=True) if not _is_short(walk)] == []


def _is_short(walk: str) -> bool:
    return 1 < len(re.findall(r"^\d\. `", walk, re.MULTILINE)) <= 8


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_pictures_show_every_room(page: str) -> None:
    blocks = re.findall(
        r"^```\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    for name in {room(module) for module in MODULES} - {"__init__"}:
        shown = (
            f"{name}.py" if f"{name}.py" in {each.name for each in SOURCE.iterdir()} else f"{name}/"
        )
        assert re.search(rf"(?<![\w/]){re.escape(shown)}", "".join(blocks)), f"{page} lacks {shown}"


# What the checks themselves would miss


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from studio_action.errors import BadInput", ["errors"]),
        ("from studio_action import errors, __version__", ["errors", ""]),
        ("import studio_action.errors", ["errors"]),
        ("def late():\n    from studio_action.ci import job", ["ci.job"]),
        ("from studio_actions import errors\nimport os", []),
    ],
)
def test_imports(text: str, found: list[str]) -> None:
    assert list(imports(ast.parse(text))) == found


@pytest.mark.parametrize(
    ("module", "imported", "down"),
    [
        ("cli", "errors", True),
        ("run.commands", "run.context", True),
        ("errors", "text", False),
        ("download.engine", "inputs.config", False),
        ("server.app", "run.commands", False),
        ("ci.base", "gitrepo.tags", False),
    ],
)
def test_points_down(module: str, imported: str, down: bool) -> None:
    assert points_down(module, imported) is down


@pytest.mark.parametrize(
    "text", ["import os\nos.environ['X']", "import os\nos.getenv('X')", "from os import environ"]
)
def test_environment_reads(text: str) -> None:
    assert list(environment_reads(ast.parse(text)))


def test_circle() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "@dataclass(slots=True)\nclass A:\n    a: int\n    _b: int\n    C: ClassVar[int] = 1",
            "a _b",
        ),
        (
            "class A:\n    def __init__(self):\n        self.a = self.b = 1\n        c = self.d",
            "a b",
        ),
        ("class A:\n    a: int\n    def go(self):\n        self.b = 1", ""),
    ],
    ids=["a dataclass", "set in __init__", "neither"],
)
def test_attributes(text: str, found: str) -> None:
    (tree,) = ast.parse(text).body
    assert isinstance(tree, ast.ClassDef)
    assert attributes(tree) == set(found.split())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("self._a + cls._b + super()._c + x.__d__", ""),
        ("other._a", "_a"),
        ("self.x._b", "_b"),
        ("class A:\n    _a: int\n    def _b(self, other):\n        return other._a + other._b", ""),
        ("class A:\n    def __init__(self, other):\n        self._a = other._a", ""),
    ],
)
def test_private_uses(text: str, found: str) -> None:
    assert private_uses(ast.parse(text)) == set(found.split())
