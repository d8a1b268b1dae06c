"""Repositories that stand for more than anyone has: a clear error, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc import artifacts, output_index
from studio_action.gitrepo.git.repository import Repository
from tests.gitrepo.huge import bomb, soon, tagged, tree
from tests.gitrepo.memory import files
from tests.gitrepo.repositories import git, made_at, make_git


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


def test_contents__hundred_thousand_files_of_dvc(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"m": b"m"})
    blob = git(folder, "hash-object", "-w", "--stdin", stdin=OUT)
    inner = tree(folder, *(("100644", blob, f"f{number}.dvc") for number in range(1000)))
    tagged(folder, tree(folder, *(("040000", inner, f"d{number}") for number in range(100))))

    with (
        Repository.open(folder, make_git()) as repository,
        soon(5),
        pytest.raises(UnexpectedAnswer, match="more than 50,000 files of DVC's at"),
    ):
        contents(repository, "nowhere")


def test_units__many_pipelines_take_no_square_of_their_number() -> None:
    names = dict.fromkeys(f"d{number}/dvc.yaml" for number in range(50_000))

    with soon(5):
        units = list(output_index._units(names.keys()))

    assert len(units) == 50_000


def test_contents__more_text_than_any_project_has() -> None:
    comment = "#" * (1 << 20)
    texts = {f"d{number}.dvc": f"{comment}\n{OUT}" for number in range(33)}

    with pytest.raises(UnexpectedAnswer, match=r"more than 33\.6 MB in files of DVC's at"):
        artifacts.contents("nowhere", files(texts))
