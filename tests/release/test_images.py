from __future__ import annotations

import re
from pathlib import Path

import pytest
from release.images import RECIPES, STEP
from release.versions import Version

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize(
    ("key", "tag"), [("image", "1.4.0"), ("slim-image", "1.4.0-slim"), ("server-image", "1.4.0")]
)
def test_tag(key: str, tag: str) -> None:
    assert RECIPES[key].tag(Version(1, 4, 0)) == tag


def test_recipes__no_two_images_have_one_tag() -> None:
    named = [(each.name, each.suffix) for each in RECIPES.values()]

    assert len(set(named)) == len(named)
    assert not RECIPES[STEP].suffix


def test_recipes__are_what_the_dockerfile_can_build() -> None:
    targets = set(re.findall(r"^FROM .+ AS (\w+)$", DOCKERFILE, re.MULTILINE))

    assert re.search(r"^ARG REQUIREMENTS=runtime$", DOCKERFILE, re.MULTILINE)
    for each in RECIPES.values():
        assert not each.target or each.target in targets
        assert (ROOT / "requirements" / f"{each.requirements}.txt").is_file()


@pytest.mark.parametrize(
    "path",
    [ROOT / "Dockerfile", *sorted((ROOT / "container").iterdir())],
    ids=lambda path: path.name,
)
def test_build__says_nothing_of_one_architecture(path: Path) -> None:
    """A path of a library is found, not written: the folder's name has the architecture in it.

    https://wiki.debian.org/Multiarch/Tuples
    """
    architecture = re.compile(
        r"x86[-_]64|amd64|i[36]86|aarch64|arm64|\w+-linux-gnu|(?<![\w-])--platform\b|ld-linux",
        re.IGNORECASE,
    )

    assert architecture.findall(path.read_text()) == []
