from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.gitrepo.git.commit import Commit
from studio_action.gitrepo.git.repository import Repository
from tests.gitrepo.repositories import git, made_at, make_git

HEAD = "tree 0\nauthor Ada Example <ada@example.com> 1772366400 +0100\ncommitter X <x> 1 +0000\n"


def parse(text: str) -> Commit:
    return Commit.parse("c" * 40, text.encode())


def test_parse__a_message_with_a_body() -> None:
    found = parse(f"{HEAD}\nSubject\n\nBody\nmore\n")

    assert (found.author, found.when) == ("Ada Example", 1772366400)
    assert (found.subject, found.body) == ("Subject", "Body\nmore")


@pytest.mark.parametrize(
    "head", ["", "tree 0\n", "author\n", "author x\n", "author <> x\n", "\n\n"]
)
def test_parse__what_git_would_not_write(head: str) -> None:
    found = parse(f"{head}\nmessage")

    assert (found.author, found.when) == ("", 0)


def test_parse__long_texts_are_shortened() -> None:
    found = parse(f"author {'x' * 999} <a> 1 +0000\n\n{'y' * 9999}")

    assert (len(found.author), len(found.message)) == (200, 5000)


def test_commit__of_a_real_repository(tmp_path: Path) -> None:
    place = made_at(tmp_path / "made", {"a": b""})

    with Repository.open(place, make_git()) as opened:
        found = opened.revision(git(place, "rev-parse", "HEAD")).commit()

    assert (found.subject, found.author, found.when) == (
        "One more commit",
        "Ada Example",
        1772366400,
    )
