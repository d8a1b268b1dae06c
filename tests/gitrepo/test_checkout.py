from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from studio_action.gitrepo.checkout import origin, tracks


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_origin(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "git@github.com:acme/models.git")
    assert origin(tmp_path, os.environ) == "git@github.com:acme/models.git"


def test_origin__of_a_checkout_without_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert origin(tmp_path, os.environ) == ""


def test_origin__of_no_checkout(tmp_path: Path) -> None:
    assert origin(tmp_path, os.environ) == ""


def test_origin__of_no_folder(tmp_path: Path) -> None:
    assert origin(tmp_path / "none", os.environ) == ""


LOCAL = ".dvc/config.local"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / ".dvc").mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / LOCAL).write_text("")
    return folder


def test_tracks__what_only_this_machine_has(checkout: Path) -> None:
    assert not tracks(checkout, LOCAL, os.environ)
    (checkout / ".dvc/.gitignore").write_text("config.local\n")
    assert not tracks(checkout, LOCAL, os.environ)


def test_tracks__by_another_way_to_the_checkout(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(checkout)

    assert not tracks(tmp_path / "alias", LOCAL, os.environ)


@pytest.mark.parametrize("name", [LOCAL, ".DVC/Config.Local"], ids=["it", "in another case"])
def test_tracks__what_git_brought(checkout: Path, name: str) -> None:
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("")
    git(checkout, "add", "--force", name)

    assert tracks(checkout, LOCAL, os.environ)


def test_tracks__in_a_folder_whose_name_is_a_pattern(checkout: Path) -> None:
    (checkout / "[a]/.dvc").mkdir(parents=True)
    (checkout / "[a]" / LOCAL).write_text("")
    git(checkout, "add", "--force", "[a]")

    assert tracks(checkout, f"[a]/{LOCAL}", os.environ)


def test_tracks__a_link(checkout: Path) -> None:
    (checkout / "other").write_text("")
    (checkout / LOCAL).unlink()
    (checkout / LOCAL).symlink_to("../other")

    assert tracks(checkout, LOCAL, os.environ)


def test_tracks__in_a_folder_that_is_a_link(checkout: Path) -> None:
    (checkout / "sub").mkdir()
    (checkout / "sub/.dvc").symlink_to(checkout / ".dvc")

    assert tracks(checkout, f"sub/{LOCAL}", os.environ)


def test_tracks__in_a_submodule(checkout: Path, tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    git(module, "init", "--quiet")
    (module / ".dvc").mkdir()
    (module / LOCAL).write_text("")
    git(module, "add", "--force", ".")
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    git(module, *who, "commit", "--quiet", "-m", "x")
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "add", str(module), "sub")

    assert tracks(checkout, f"sub/{LOCAL}", os.environ)


def test_tracks__where_git_cannot_tell(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / LOCAL).write_text("")

    assert tracks(tmp_path, LOCAL, os.environ)
    assert tracks(tmp_path / "none", LOCAL, os.environ)
