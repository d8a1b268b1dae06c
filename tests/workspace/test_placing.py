from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from studio_action.errors import Stopped, WorkspaceRefused
from studio_action.workspace.placing import Move, place_files
from studio_action.workspace.workspace import Workspace


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return Workspace.at(folder)


def moves(here: Workspace, *targets: str) -> list[Move]:
    """A finished file for each target; its content is the target's name."""
    partials = here.state("partial")
    made = []
    for number, target in enumerate(targets):
        partial = partials / str(number)
        partial.write_text(f"new {target}")
        made.append(Move(partial, here.root / target))
    return made


def tree(here: Workspace) -> dict[str, str]:
    return {
        str(path.relative_to(here.root)): path.read_text()
        for path in here.root.rglob("*")
        if path.is_file() and ".studio-action" not in path.relative_to(here.root).parts
    }


def test_put__makes_folders(here: Workspace) -> None:
    place_files(moves(here, "a/b/x", "a/y"), here)
    assert tree(here) == {"a/b/x": "new a/b/x", "a/y": "new a/y"}


def test_put__replaces_and_leaves_no_spare(here: Workspace) -> None:
    (here.root / "x").write_text("old")
    place_files(moves(here, "x"), here)
    assert tree(here) == {"x": "new x"}
    assert [path.name for path in here.root.iterdir()] == [".studio-action", "x"]


def test_put__replaces_a_link_and_not_what_it_points_to(here: Workspace, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("cached")
    (here.root / "x").symlink_to(tmp_path / "cache")
    place_files(moves(here, "x"), here)
    assert not (here.root / "x").is_symlink()
    assert (tmp_path / "cache").read_text() == "cached"


def test_put__mode_follows_the_umask(here: Workspace) -> None:
    made = moves(here, "x")
    made[0].partial.chmod(0o600)
    before = os.umask(0o027)
    try:
        place_files(made, here)
    finally:
        os.umask(before)
    assert stat.S_IMODE((here.root / "x").stat().st_mode) == 0o640


def test_put__a_file_that_may_be_run(here: Workspace) -> None:
    (made,) = moves(here, "x")
    before = os.umask(0o027)
    try:
        place_files([replace(made, executable=True)], here)
    finally:
        os.umask(before)
    assert stat.S_IMODE((here.root / "x").stat().st_mode) == 0o750


def test_put__a_folder_in_the_way_undoes_all(here: Workspace) -> None:
    (here.root / "a").write_text("old a")
    (here.root / "c/inner").mkdir(parents=True)
    made = moves(here, "a", "b", "c")
    with pytest.raises(WorkspaceRefused, match="Is a directory"):
        place_files(made, here)
    assert tree(here) == {"a": "old a"}
    assert (here.root / "c/inner").is_dir()
    assert [move.partial.read_text() for move in made] == ["new a", "new b", "new c"]


def test_put__stopped_in_between_undoes_all(here: Workspace) -> None:
    (here.root / "a").write_text("old a")
    made = moves(here, "a", "b")

    def interrupted() -> object:
        yield made[0]
        yield made[1]
        raise Stopped(15)

    with pytest.raises(Stopped):
        place_files(interrupted(), here)  # type: ignore[arg-type]
    assert tree(here) == {"a": "old a"}
    assert not [
        path
        for path in here.root.iterdir()
        if path.name.endswith(".studio-action") and path.is_file()
    ]
    assert all(move.partial.exists() for move in made)


def test_put__across_file_systems(here: Workspace) -> None:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == here.root.stat().st_dev:
        pytest.fail("this test needs /dev/shm on a file system of its own")
    partial = shared_memory / f"studio-action-{os.getpid()}"
    partial.write_text("new")
    (here.root / "x").write_text("old")
    place_files([Move(partial, here.root / "x")], here)
    assert tree(here) == {"x": "new"}
    assert not partial.exists()
