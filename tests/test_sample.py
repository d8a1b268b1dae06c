"""The parts of the sample registry fit together: repository, objects and true answers."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import sample


def versions() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, model in sample.expected()["models"].items():
        for version, found in model["versions"].items():
            yield name, version, found


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "clone", "--quiet", "--bare", sample.BUNDLE, folder], check=True)
    return folder


def test_tags_lead_to_the_revisions(clone: Path) -> None:
    revisions = {
        f"{name.replace(':', '=')}@{version}": found["revision"]
        for name, version, found in versions()
        if version != found["revision"]
    }
    listing = "--format=%(refname:strip=2) %(*objectname)"
    tags = subprocess.run(
        ["git", "for-each-ref", listing, "refs/tags"],
        cwd=clone,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout

    tagged = dict(line.split(" ") for line in tags.splitlines())
    assert revisions.items() <= {tag.partition("#2")[0]: at for tag, at in tagged.items()}.items()


def test_objects_have_the_md5_that_dvc_gave() -> None:
    given = {
        file["url"]: file["md5"]
        for _, _, found in versions()
        if "problem" not in found
        for file in found["files"]
    }

    assert given == {
        url: hashlib.md5(sample.object_path(url).read_bytes()).hexdigest() for url in given
    }


def test_problems_are_those_that_were_made() -> None:
    problems = {name: found["problem"] for name, _, found in versions() if "problem" in found}

    assert problems == {
        "git-model": "not in DVC",
        "old-model": "not annotated",
        "unpushed-model": "not in the remote",
    }
