from __future__ import annotations

import os
import stat
from pathlib import Path, PurePath

import pytest

from studio_action.errors import WorkspaceRefused
from studio_action.workspace.workspace import Owner, Workspace

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return Workspace.at(folder)


def test_at__missing(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceRefused, match="No such file"):
        Workspace.at(tmp_path / "none")


def test_at__a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceRefused, match="Not a directory"):
        Workspace.at(tmp_path / "file")


def test_inside__relative_and_absolute(here: Workspace) -> None:
    assert here.inside(PurePath("a/b")) == here.root / "a/b"
    assert here.inside(here.root / "a") == here.root / "a"
    assert here.inside(PurePath()) == here.inside(PurePath("a/..")) == here.root


@pytest.mark.parametrize("path", ["..", "../x", "a/../../x", "/etc/x", "a/../.."])
def test_inside__outside(here: Workspace, path: str) -> None:
    with pytest.raises(WorkspaceRefused, match="is outside the workspace"):
        here.inside(PurePath(path))


def test_inside__a_link_that_leaves(here: Workspace, tmp_path: Path) -> None:
    (here.root / "link").symlink_to(tmp_path)
    with pytest.raises(WorkspaceRefused, match="is outside the workspace"):
        here.inside(PurePath("link/x"))


def test_inside__a_link_that_stays(here: Workspace) -> None:
    (here.root / "data").mkdir()
    (here.root / "link").symlink_to("data")
    assert here.inside(PurePath("link/x")) == here.root / "data/x"


def test_folder__makes_what_is_missing(here: Workspace) -> None:
    with here.folder(here.root / "a/b") as folder:
        assert folder.make("c")
    assert (here.root / "a/b/c").is_dir()
    assert (here.root / "a/b").is_dir()


def test_folder__a_link_slipped_in(here: Workspace, tmp_path: Path) -> None:
    (here.root / "a").symlink_to(tmp_path)
    with (
        pytest.raises(WorkspaceRefused, match="a folder cannot be made or entered"),
        here.folder(here.root / "a/b"),
    ):
        pass
    assert not (tmp_path / "b").exists()


def test_folder__a_file_in_its_way(here: Workspace) -> None:
    (here.root / "a").touch()
    with (
        pytest.raises(WorkspaceRefused, match="in the way of a folder"),
        here.folder(here.root / "a/b"),
    ):
        pass


def test_state__ignores_itself(here: Workspace) -> None:
    assert here.state("partial") == here.root / ".studio-action/partial"
    assert (here.root / ".studio-action/.gitignore").read_text() == "*\n"


def test_write__leaves_nothing_half_written(here: Workspace) -> None:
    with pytest.raises(UnicodeEncodeError):
        here.write(here.root / "x.json", "ok \udc80")
    assert list(here.root.iterdir()) == []


def test_write__mode(here: Workspace) -> None:
    here.write(here.root / "secret", "x", mode=0o600)
    assert stat.S_IMODE((here.root / "secret").stat().st_mode) == 0o600


@as_root
def test_owner__what_is_made_belongs_to_the_owner_of_the_workspace(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 2345)
    here = Workspace.at(tmp_path)
    here.write(here.state("churn") / "model.json", "{}")
    (tmp_path / ".studio-action/left-behind").touch()
    here.hand_over(tmp_path / ".studio-action")
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in tmp_path.rglob("*")}
    assert owners == {(1234, 2345)}


@as_root
def test_owner__of_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 2345)
    assert Owner.of(tmp_path) == Owner(1234, 2345)
