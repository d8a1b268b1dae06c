from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from studio_action.errors import ObjectMissing, UnexpectedAnswer
from studio_action.gitrepo.dvc import artifacts
from studio_action.gitrepo.dvc.output_index import broken_files
from studio_action.gitrepo.dvc.project import Project
from tests.gitrepo.memory import files

HEX = "0a" * 16
BROKEN = "outs: ["


def out(path: str) -> str:
    return json.dumps({"outs": [{"path": path, "hash": "md5", "md5": HEX}]})


def paths(texts: Mapping[str, str], path: str) -> tuple[list[str], list[str]]:
    """The paths of what makes up `path`, and what was said."""
    said: list[str] = []
    found = artifacts.contents(path, files(texts), said.append)
    return [part.path for part in found], said


@pytest.mark.parametrize("bad", ["a: [", "outs: 3", "outs: [{path: 3}]", "- a"])
def test_contents__a_broken_file_beside_is_left_out_and_said(bad: str) -> None:
    found, said = paths({"m.dvc": out("m"), "x/y.dvc": bad, "dvc.yaml": bad, "dvc.lock": bad}, "m")

    assert found == ["m"]
    assert len(said) == 1
    assert said[0].startswith("dvc.lock at c0ffee0")
    assert said[0].endswith("skipped, because another file names m")


def test_contents__a_broken_file_that_may_be_the_one() -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        paths({"m.dvc": BROKEN, "x/y.dvc": BROKEN, "z.dvc": out("z")}, "m")

    assert str(caught.value).startswith("m.dvc at c0ffee0 is not YAML")
    assert "No other file names all of m" in str(caught.value)
    assert "broken as well: x/y.dvc" in str(caught.value)


def test_contents__nothing_broken_and_nothing_there() -> None:
    with pytest.raises(ObjectMissing, match="neither DVC nor Git has m"):
        paths({"x.dvc": out("x")}, "m")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("x/y.dvc", BROKEN),
        ("x/deep/y.dvc", BROKEN),
        ("y.dvc", BROKEN),
        ("z/y.dvc", "outs: [{path: ../x/b}, {"),
        ("z/y.dvc", "wdir: ${up}\nouts: ["),
        ("z/y.dvc", '"\\x2e\\x2e'),
    ],
    ids=["in it", "deep in it", "above it", "reaches it", "may reach it", "hides its reach"],
)
def test_contents__a_broken_file_that_may_tell_of_a_part(place: str, text: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=place):
        paths({"x/m.dvc": out("m"), place: text}, "x")


def test_contents__a_broken_file_that_cannot_reach_the_folder() -> None:
    found, said = paths({"x/m.dvc": out("m"), "z/y.dvc": BROKEN}, "x")

    assert found == ["x/m"]
    assert len(said) == 1
    assert "z/y.dvc" in said[0]


def test_contents__the_files_near_a_path_are_asked_first() -> None:
    repository = files({"x/m.dvc": out("m"), "z/y.dvc": BROKEN, "dvc.yaml": "{}"})

    artifacts.contents("x/m", repository)

    assert "z/y.dvc" not in repository.asked


def test_contents__an_ignored_output_is_refused() -> None:
    with pytest.raises(UnexpectedAnswer, match=r"is x/m, which a \.dvcignore file ignores"):
        paths({"m.dvc": out("x/m"), ".dvcignore": "x"}, "x/m")


def test_broken_files__of_every_project() -> None:
    project = Project(
        files(
            {
                "a.dvc": BROKEN,
                "x/.dvc/config": "",
                "x/y/b.dvc": BROKEN,
                "x/y/.dvc/config": "",
                "x/c.dvc": out("c"),
                "x/dvc.yaml": BROKEN,
                "ignored/d.dvc": BROKEN,
                ".dvcignore": "ignored",
            }
        ),
        "",
    )

    assert sorted(each.path for each in broken_files(project)) == [
        "a.dvc",
        "x/dvc.yaml",
        "x/y/b.dvc",
    ]
