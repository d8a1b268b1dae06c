from __future__ import annotations

from pathlib import Path

import pytest
from release import tree
from release.names import FILE, ReleaseNames
from release.versions import Version, with_version

import studio_action
from studio_action.errors import BadInput

ROOT = Path(__file__).parents[2]
NAMES = ReleaseNames.parse((ROOT / FILE).read_text())
NOW = Version.parse(studio_action.__version__)


def test_tags() -> None:
    version = Version.of_tag("v1.12.0")

    assert (version.tag, version.floating) == ("v1.12.0", ("v1.12", "v1"))


@pytest.mark.parametrize("text", ["1.2", "1.2.3-rc.1", "v1.2.3", "01.2.3", "1.2.3\n", "", "1.2.x"])
def test_parse__refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"X\.Y\.Z"):
        Version.parse(text)


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "release-1.2.3", "refs/tags/v1.2.3"])
def test_of_tag__refused(tag: str) -> None:
    with pytest.raises(BadInput):
        Version.of_tag(tag)


@pytest.mark.parametrize(
    ("version", "tag", "moves"),
    [
        ("1.3.0", "v1", True),
        ("1.2.9", "v1", False),  # a fix of an older line
        ("1.2.9", "v1.2", True),
        ("2.0.0", "v2", True),
    ],
)
def test_moves(version: str, tag: str, moves: bool) -> None:
    released = frozenset(map(Version.parse, ("1.2.8", "1.2.10", "1.3.0")[:: 2 if moves else 1]))

    assert Version.parse(version).moves(tag, released) == moves


def test_with_version__whole_tree_and_back() -> None:
    new = Version(47, 11, 12)
    changed = set()
    for path, text in tree.texts(ROOT):
        there = with_version(text, NAMES, NOW, new)
        assert with_version(there, NAMES, new, NOW) == text, path
        if there != text:
            changed.add(path.relative_to(ROOT).as_posix())

    assert changed > {
        "src/studio_action/__init__.py", "Dockerfile", "README.md", ".gitlab-ci-template.yml",
        "charts/studio-action/Chart.yaml",
        "templates/download-model/template.yml", "integrations/circleci/orb.yml",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["version: 0.1.0", "v0.1.0", "pip 0.1.0", "ref: v0.1.01"])
def test_with_version__other_versions_stay(text: str) -> None:
    assert with_version(text, NAMES, Version(0, 1, 0), Version(1, 0, 0)) == text
