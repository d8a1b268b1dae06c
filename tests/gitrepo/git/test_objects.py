from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.gitrepo.git.objects import LARGEST_READ, Objects
from tests.gitrepo.repositories import made_at, make_git

NAME = "0a" * 20


def answering(folder: Path, script: str) -> Objects:
    """Objects of a git that answers by a shell script."""
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Objects(folder, make_git(PATH=str(folder)))


@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        "read name; echo $name missing",
        "read name; printf '%s blob 10\\nabc' $name",
        "read name; printf '%s blob 3\\nabc' $name",
    ],
    ids=["git ends at once", "not there", "cut off", "without its end"],
)
def test_read__content_that_is_not_there(tmp_path: Path, script: str) -> None:
    with pytest.raises(Unreachable, match="lacks the content of a file"):
        answering(tmp_path, script).read(NAME)


def test_save__content_that_is_cut_off(tmp_path: Path) -> None:
    objects = answering(tmp_path, "read name; printf '%s blob 10\\nabc' $name")

    with pytest.raises(Unreachable, match="lacks the content of a file"):
        objects.save(NAME, tmp_path / "saved")


def test_read__absurdly_large(tmp_path: Path) -> None:
    objects = answering(tmp_path, f"read name; echo $name blob {LARGEST_READ + 1}; read never")

    with pytest.raises(UnexpectedAnswer, match=r"a file of the repository has 67\.1 MB, more than"):
        objects.read(NAME)


def test_read__after_a_failure(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"a": b"content"})
    objects = Objects(folder, make_git())
    there = "6b584e8ece562ebffc15d38808cd6b98fc3d97ea"

    with pytest.raises(Unreachable):
        objects.read(NAME)
    assert objects.read(there) == b"content"
    objects.close()


CONTENT = "6b584e8ece562ebffc15d38808cd6b98fc3d97ea"
"""The object of a file that holds `content`."""


@pytest.mark.parametrize(
    "before", [None, b"", b"cont", b"another"], ids=["nothing", "empty", "cut off", "damaged"]
)
def test_file__whatever_was_there(tmp_path: Path, before: bytes | None) -> None:
    (tmp_path / "kept").mkdir()
    if before is not None:
        (tmp_path / "kept" / CONTENT).write_bytes(before)
    objects = Objects(made_at(tmp_path / "made", {"a": b"content"}), make_git())

    assert objects.file(CONTENT, tmp_path / "kept").read_bytes() == b"content"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [CONTENT]
    objects.close()


def test_file__what_is_whole_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / CONTENT).write_bytes(b"content")

    assert answering(tmp_path, "exit 1").file(CONTENT, tmp_path).read_bytes() == b"content"


def test_file__is_never_taken_from_another_who_was_given_it(tmp_path: Path) -> None:
    place = tmp_path / CONTENT
    place.write_bytes(b"another")
    there = f"test -e {place}"
    objects = answering(tmp_path, f"read name; {there} && printf '%s blob 7\\ncontent\\n' $name")

    assert objects.file(CONTENT, tmp_path).read_bytes() == b"content"
    objects.close()


def test_file__nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    objects = answering(tmp_path, "read name; printf '%s blob 10\\nabc' $name")

    with pytest.raises(Unreachable):
        objects.file(NAME, tmp_path / "kept")

    assert not list((tmp_path / "kept").iterdir())


def test_read__what_was_kept_needs_no_repository(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"a": b"content"})
    first = Objects(folder, make_git(), kept=tmp_path / "kept")
    first.read(CONTENT)
    first.close()
    gone = Objects(tmp_path / "gone", make_git(), url="http://127.0.0.1:1", kept=tmp_path / "kept")

    gone.fetch([CONTENT])

    assert gone.read(CONTENT) == b"content"
