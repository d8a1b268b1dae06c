"""Repositories that have more than anyone needs: a clear error, and soon."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.git.repository import Repository
from tests.gitrepo.huge import bomb, soon
from tests.gitrepo.repositories import git, made_at, make_git


def test_fetch_all__of_a_huge_repository_what_is_near_the_top(tmp_path: Path) -> None:
    folder = bomb(tmp_path / "made", 100, 5, m_dvc="outs: []")

    with (
        Repository.clone_from(str(folder), make_git(), tmp_path / "scratch") as repository,
        soon(5),
    ):
        (tag,) = repository.tags()
        revision = repository.revision(tag.revision)
        revision.fetch_all(lambda path: path.endswith(".dvc"))
        assert list(revision.read(["m.dvc"])) == ["m.dvc"]


def tags_at(folder: Path, *tags: str) -> Path:
    made_at(folder, {"m": b"m"})
    commit = git(folder, "rev-parse", "HEAD")
    stream = "".join(
        f"tag {name}\nfrom {commit}\ntagger {who} <a@b> 1700000000 +0000\ndata {size}\n"
        + "m" * int(size)
        + "\n"
        for name, who, size in (tag.split("|") for tag in tags)
    )
    git(folder, "fast-import", "--quiet", stdin=stream)
    return folder


def test_tags__too_many(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"m": b"m"}, "m@v1.0.0")
    commit = git(folder, "rev-parse", "HEAD")
    lines = "".join(f"{commit} refs/tags/t{number}\n" for number in range(200_000))
    (folder / ".git/packed-refs").write_text(f"# pack-refs with: peeled fully-peeled \n{lines}")

    with (
        Repository.open(folder, make_git()) as repository,
        soon(),
        pytest.raises(UnexpectedAnswer, match="more than 200,000 tags"),
    ):
        repository.tags()


def test_tags__a_huge_message(tmp_path: Path) -> None:
    folder = tags_at(tmp_path / "made", f"m@v1.0.0|Ada|{2 << 20}")

    with (
        Repository.open(folder, make_git()) as repository,
        pytest.raises(UnexpectedAnswer, match=r"tag m@v1\.0\.0 has 2\.1 MB, more than 1\.0 MB"),
    ):
        repository.tags()


def test_tags__a_tagger_with_a_long_name(tmp_path: Path) -> None:
    folder = tags_at(tmp_path / "made", f"m@v1.0.0|{'Ada' * 1000}|1")

    with Repository.open(folder, make_git()) as repository:
        (tag,) = repository.tags()

    assert tag.tagger == ("Ada" * 1000)[:200]
    assert tag.email == "a@b"


def test_tags__a_tagger_with_a_long_address(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"m": b"m"})
    who = f"Ada <{'a' * 300}@example.com> 1700000000 +0000"
    stream = f"tag m@v1.0.0\nfrom {git(folder, 'rev-parse', 'HEAD')}\ntagger {who}\ndata 1\nm\n"
    git(folder, "fast-import", "--quiet", stdin=stream)

    with Repository.open(folder, make_git()) as repository:
        (tag,) = repository.tags()

    assert tag.email == ""


def test_tags__thousands_of_tags_of_tags(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"m": b"m"}, "inner")
    inner = git(folder, "rev-parse", "refs/tags/inner")
    who = "tagger Ada <a@b> 1700000000 +0000"
    outer = f"object {inner}\ntype tag\ntag outer\n{who}\n\nm\n"
    words = ["git", "-C", str(folder), "hash-object", "-w", "-t", "tag", "--stdin"]
    name = subprocess.run(words, input=outer, check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = "".join(f"create refs/tags/t{number} {name.strip()}\n" for number in range(5000))
    git(folder, "update-ref", "--stdin", stdin=lines)

    with Repository.open(folder, make_git()) as repository, soon():
        found = repository.tags()

    assert {tag.revision for tag in found} == {git(folder, "rev-parse", "HEAD")}
    assert len(found) == 5001


def test_tags__more_than_their_list_may_have(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"m": b"m"}, "m@v1.0.0")

    with (
        soon(),
        pytest.raises(UnexpectedAnswer, match=r"git for-each-ref printed more than 5 B"),
    ):
        make_git().run_local(folder, "for-each-ref", largest=5)
