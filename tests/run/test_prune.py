"""`prune` removes what an earlier step placed and the model no longer has; nothing else, ever."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_action.errors import WorkspaceRefused
from studio_action.model.artifact import ArtifactRef, ModelName
from tests.run.test_download import Case

State = Literal[
    "as placed",
    "current",
    "changed",
    "gone",
    "a link",
    "a folder",
    "another name",
    "another model's",
    "behind a link",
    "filtered out",
]
STATES: tuple[State, ...] = get_args(State)
OLD, OTHERS = b"as it was placed", b"not ours"


@contextmanager
def new_workspace() -> Iterator[Path]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder).resolve()
        finally:
            os.chdir(before)


def tree(folder: Path) -> dict[str, bytes | str]:
    """Everything in the workspace but our own folder: files, links and what they lead to."""
    return {
        path.relative_to(folder).as_posix(): (
            f"-> {path.readlink()}" if path.is_symlink() else path.read_bytes()
        )
        for path in sorted(folder.rglob("*"))
        if ".studio-action" not in path.parts and (path.is_symlink() or path.is_file())
    }


def change(place: Path, state: State, workspace: Path) -> None:
    """Make of a file that was placed what happened to it since."""
    match state:
        case "changed":
            place.write_bytes(OTHERS)
        case "gone" | "a link" | "a folder":
            place.unlink()
            if state == "a link":
                (workspace / "precious").write_bytes(OLD)
                place.symlink_to(workspace / "precious")
            elif state == "a folder":
                place.mkdir()
                (place / "file").write_bytes(OLD)
        case "another name":
            (place.parent / f"copy of {place.name}").write_bytes(OLD)
        case "behind a link":
            place.parent.rename(workspace / f"moved {place.parent.name}")
            place.parent.symlink_to(workspace / f"moved {place.parent.name}")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(STATES), min_size=1, max_size=8),
    st.sampled_from([".", "out"]),
    st.booleans(),
)
def test_prune__removes_what_is_as_it_was_placed_and_no_longer_the_models(
    states: list[State], dest: str, prune: bool
) -> None:
    paths = [f"m/{number}/file" for number in range(len(states))]
    by_path = dict(zip(paths, states, strict=True))
    with new_workspace() as workspace:
        Case(workspace, dict.fromkeys(paths, OLD)).run(dest=PurePath(dest))
        shared = [path for path, state in by_path.items() if state == "another model's"]
        if shared:
            other = Case(workspace, dict.fromkeys(shared, OLD))
            other.artifact = ArtifactRef("acme/other", ModelName("other"))
            other.run(dest=PurePath(dest))
        (workspace / "foreign").write_bytes(OLD)
        for path, state in by_path.items():
            change(workspace / dest / path, state, workspace)
        before = tree(workspace)
        stays = {path: OLD for path, state in by_path.items() if state == "current"}
        filtered = {path: OLD for path, state in by_path.items() if state == "filtered out"}

        again = Case(workspace, {"m/new": b"new", **stays, **filtered})
        again.exclude = tuple(filtered)
        again.run(dest=PurePath(dest), prune=prune)

        removable = ("as placed", "another name")
        removed = {
            (PurePath(dest) / path).as_posix()
            for path, state in by_path.items()
            if prune and state in removable
        }
        placed = {(PurePath(dest) / "m/new").as_posix(): b"new"}
        expected = {path: content for path, content in before.items() if path not in removed}
        assert tree(workspace) == expected | placed


def test_prune__what_is_removed_comes_back_if_placing_fails(workspace: Path) -> None:
    Case(workspace, {"m/a": b"a", "m/b": b"b"}).run()
    (workspace / "out/m/c").mkdir()
    before = tree(workspace)
    again = Case(workspace, {"m/b": b"new", "m/x": b"x"})
    again.before_placing = lambda: (workspace / "out/m/x").mkdir()

    with pytest.raises(WorkspaceRefused):
        again.run(prune=True)

    assert tree(workspace) == before


def test_prune__a_file_makes_room_for_a_folder_of_its_name(workspace: Path) -> None:
    Case(workspace, {"m/a": b"a"}).run()

    Case(workspace, {"m/a/b": b"b"}).run(prune=True)

    assert tree(workspace) == {"out/m/a/b": b"b"}


def test_prune__names_that_differ_in_case_alone_are_one(workspace: Path) -> None:
    """Where a file system cannot tell them apart, the old name is the new file's."""
    Case(workspace, {"m/A": b"a"}).run()

    Case(workspace, {"m/a": b"a"}).run(prune=True)

    assert tree(workspace) == {"out/m/A": b"a", "out/m/a": b"a"}


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", "out/../outside", ".git/config", "foreign", "out"]
)
def test_prune__a_forged_record_reaches_nothing_else(workspace: Path, path: str) -> None:
    """The record lies in the workspace, where a pull request's code may have written it."""
    delivered = Case(workspace, {"m/a": b"a"}).run()
    for place in ("foreign", ".git/config", "../outside"):
        (workspace / place).parent.mkdir(exist_ok=True)
        (workspace / place).write_bytes(b"a")
    record = workspace / delivered.records["manifest"]
    document = json.loads(record.read_text())
    document["files"][0]["path"] = path
    record.write_text(json.dumps(document))

    Case(workspace, {"m/b": b"b"}).run(prune=True)

    assert tree(workspace).keys() == {"foreign", ".git/config", "out/m/a", "out/m/b"}
    assert (workspace.parent / "outside").exists()


def test_prune__a_record_of_another_model_that_cannot_be_read(workspace: Path) -> None:
    Case(workspace, {"m/a": b"a"}).run()
    record = workspace / ".studio-action/other/model.json"
    record.parent.mkdir()
    record.write_text("{")
    case = Case(workspace, {"m/b": b"b"})

    case.run(prune=True)

    assert tree(workspace) == {"out/m/a": b"a", "out/m/b": b"b"}
    assert any("Nothing is pruned" in line for _, line in case.platform.lines)
    record.unlink()
