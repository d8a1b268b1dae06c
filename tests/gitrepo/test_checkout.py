from __future__ import annotations

import os
import subprocess
from pathlib import Path

from studio_action.gitrepo.checkout import origin


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
