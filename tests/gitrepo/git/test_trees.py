from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.git import trees
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.trees import Entry
from tests.gitrepo.repositories import git, made_at, make_git

NAME = bytes(range(20))


def tree(*entries: tuple[bytes, bytes]) -> bytes:
    return b"".join(mode + b" " + name + b"\0" + NAME for mode, name in entries)


def test_read__modes_and_names() -> None:
    content = tree((b"100644", b"a"), (b"100755", b"b"), (b"40000", b"c"), (b"100664", b"old"))

    assert trees.read(content, 20) == {
        "a": Entry(0o100644, NAME.hex()),
        "b": Entry(0o100755, NAME.hex()),
        "c": Entry(0o040000, NAME.hex()),
        "old": Entry(0o100664, NAME.hex()),
    }


def test_read__a_name_that_is_no_text_stays_apart_from_others() -> None:
    found = trees.read(tree((b"100644", b"\xff"), (b"100644", b"\xfe")), 20)

    assert [name.encode("utf-8", "surrogateescape") for name in found] == [b"\xff", b"\xfe"]


@pytest.mark.parametrize("name", [b"", b".", b"..", b".git", b".GiT", b"a/b", b"/", b"../../x"])
def test_read__a_name_that_git_does_not_check_out(name: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match="it must not have"):
        trees.read(tree((b"100644", name)), 20)


@pytest.mark.parametrize("mode", [b"", b"0", b"-1", b"x", b"10644", b"020000", b"777777777"])
def test_read__a_mode_that_git_has_not(mode: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        trees.read(tree((mode, b"a")), 20)


def test_read__one_name_twice() -> None:
    with pytest.raises(UnexpectedAnswer, match="'a' that it must not have"):
        trees.read(tree((b"100644", b"a"), (b"40000", b"a")), 20)


@given(content=st.binary(max_size=60) | st.binary(max_size=60).map(lambda it: tree() + it))
def test_read__anything(content: bytes) -> None:
    try:
        found = trees.read(content, 20)
    except UnexpectedAnswer:
        return
    assert all("/" not in name and len(entry.name) == 40 for name, entry in found.items())


@pytest.mark.parametrize("end", [1, 5, 8, 27])
def test_read__cut_off(end: int) -> None:
    with pytest.raises(UnexpectedAnswer, match="cannot be read"):
        trees.read(tree((b"100644", b"a"))[:end], 20)


# Real ones, made with what Git's own tools refuse to make


def hostile(folder: Path, name: bytes) -> Repository:
    """A repository whose only commit has a file of that name beside a model."""
    made_at(folder, {"m": b"m", "dvc.yaml": b"artifacts: {m: {path: m}}"})
    blob = bytes.fromhex(git(folder, "rev-parse", "HEAD:m"))
    words = ["git", "-C", str(folder), "hash-object", "--literally", "-w", "-t", "tree", "--stdin"]
    content = b"100644 " + name + b"\0" + blob + b"100644 m\0" + blob
    made = subprocess.run(words, input=content, check=True, stdout=subprocess.PIPE).stdout
    commit = git(folder, "commit-tree", made.decode().strip(), "-m", "Hostile")
    git(folder, "tag", "-a", "m@v1.0.0", "-m", "m", commit)
    return Repository.open(folder, make_git())


@pytest.mark.parametrize("name", [b"..", b".git", b"../../escaped", b".", b"m"])
def test_a_hostile_folder_is_refused(tmp_path: Path, name: bytes) -> None:
    with hostile(tmp_path / "made", name) as repository:
        (tag,) = repository.tags()
        with pytest.raises(UnexpectedAnswer, match="must not have"):
            repository.revision(tag.revision).listing("")


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a\nb", b"a\x1b[31m", b"a b"])
def test_an_odd_name_does_no_harm(tmp_path: Path, name: bytes) -> None:
    with hostile(tmp_path / "made", name) as repository:
        (tag,) = repository.tags()
        revision = repository.revision(tag.revision)
        odd = name.decode("utf-8", "surrogateescape")

        assert set(revision.listing("")) == {odd, "m"}
        assert revision.read(["m", odd]) == {"m": b"m", odd: b"m"}
