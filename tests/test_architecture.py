"""The floors of the house: imports point down, in no circle, and one floor alone sees inputs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "studio_action"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

FLOORS = (
    {"__init__", "errors"},
    {"text", "signals"},
    {"model", "net"},
    {"workspace"},
    {"download"},
    {"gitrepo", "ci"},
    {"studio"},
    {"registries", "inputs"},
    {"outputs"},
    {"run", "server"},
    {"cli"},
)
"""From the ground up. A room is a folder, or a file beside the folders; it imports from the floors
below, and from no other room on its own.
"""

GITREPO_FLOORS = (
    {"internal_addresses"},
    {"git"},
    {"gto"},
    {"dvc"},
    {"checkout", "diagnosis", "remotes"},
    {"locate"},
)
"""The same inside of `gitrepo`, whose rooms are its folders and the files beside them."""

SEES_INPUTS = {"inputs", "cli"}
"""The rooms that may look an input up; what is below gets a `RunConfig`, or a part of one."""

READS_THE_ENVIRONMENT = {
    "cli": "the door: everybody else is told",
    "server.run.process": "sets what a library reads in the worker that it starts",
}
"""The modules that may name `os.environ`, and why."""


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


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules of a circle, if there is one."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


IMPORTS = {name: set(imports(tree)) for name, tree in TREES.items()}
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


def test_the_page_about_the_floors_names_files_that_are_there() -> None:
    page = (SOURCE.parents[1] / "docs/architecture.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z_/]+\.py)`", page)) - {"tests/test_architecture.py"}
    assert [name for name in named if not (SOURCE / name).is_file()] == []
    for walk in re.split(r"^\*\*`\w+`\*\*", page, flags=re.MULTILINE)[1:]:
        assert 1 < len(re.findall(r"^\d\. `", walk, re.MULTILINE)) <= 8


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
