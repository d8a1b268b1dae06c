"""Repositories that stand for more than anyone has: a clear error, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc import artifacts
from studio_action.gitrepo.git.repository import Repository
from tests.gitrepo.huge import bomb, soon
from tests.gitrepo.repositories import make_git


def contents(repository: Repository, path: str) -> tuple[artifacts.Content, ...]:
    (tag,) = repository.tags()
    return artifacts.contents(path, repository.revision(tag.revision))


OUT = "outs: [{path: m, md5: 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a, hash: md5}]"


def test_contents__ten_thousand_million_files(tmp_path: Path) -> None:
    folder = bomb(tmp_path / "made", 100, 5, m_dvc=OUT)

    with Repository.open(folder, make_git()) as repository:
        with soon(5):
            (found,) = contents(repository, "m")
        assert found.path == "m"
        with soon(), pytest.raises(UnexpectedAnswer, match="more than 1,000,000 files at"):
            contents(repository, "nowhere")
        with soon(), pytest.raises(UnexpectedAnswer, match="more than 1,000,000 files at"):
            contents(repository, "x")


def test_contents__a_hundred_folders_deep(tmp_path: Path) -> None:
    folder = bomb(tmp_path / "made", 1, 150, m_dvc=OUT)

    with (
        Repository.open(folder, make_git()) as repository,
        soon(),
        pytest.raises(UnexpectedAnswer, match="more than 100 deep"),
    ):
        contents(repository, "x")


def test_contents__what_is_ignored_is_not_looked_through(tmp_path: Path) -> None:
    folder = bomb(tmp_path / "made", 100, 5, _dvcignore="x/\n", a_dvc=OUT.replace("m,", "y/m,"))

    with Repository.open(folder, make_git()) as repository, soon(5):
        (found,) = contents(repository, "y")

    assert found.path == "y/m"
