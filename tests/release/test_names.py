"""Every file of the tree names the release as `release.toml` does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from release import tree
from release.names import FILE, Images, ReleaseNames, renamed

from studio_action.errors import BadInput
from studio_action.server import release_names

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / FILE).read_text()
NAMES = ReleaseNames.parse(TEXT)
OTHER = ReleaseNames(
    "initech/ml-step",
    Images("ghcr.io/initech/step", "ghcr.io/initech/step-server"),
    "platform/ci/step",
    Images("registry.initech.example/ci/step", "registry.initech.example/ci/step/server"),
    "initech-step",
)
PROGRAM = "studio-action"
TREE = list(tree.texts(ROOT))


def test_parse() -> None:
    assert NAMES.repository.endswith(f"/{PROGRAM}")
    assert len(set(NAMES.written())) == len(NAMES.written())


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            'repository = "studio-action/studio-action"',
            'repository = "studio-action"',
            "repository",
        ),
        ('image = "ghcr.io/', 'image = "ghcr.io/Acme/', "image"),
        ('image = "registry.gitlab.com/studio-action/studio-action"', "image = 1", "image"),
        ('project = "studio-action"', 'project = "Studio Action"', "project"),
        ("[gitlab]", "[other]", "project"),
        ("[gitlab]", "[gitlab", "TOML"),
    ],
)
def test_parse__refused(old: str, new: str, what: str) -> None:
    assert old in TEXT
    with pytest.raises(BadInput, match=what):
        ReleaseNames.parse(TEXT.replace(old, new))


def named() -> list[tuple[str, str]]:
    """What looks like a name of the release, by file."""
    found = re.compile(
        rf"(?<![\w./@-])(?:https?://)?((?:[\w.$-]+/)+{PROGRAM}(?:-server)?)"
        rf"(?=@v?\d|:\d|/composite@|/[\w-]+@\d|\.git|-buildkite|[\"')]|$)",
        re.MULTILINE,
    )
    return [
        (str(path.relative_to(ROOT)), match)
        for path, text in TREE
        if PROGRAM in text
        for line in text.splitlines()
        if PROGRAM in line
        for match in found.findall(line)
    ]


def test_tree__has_the_names_of_the_file() -> None:
    of_git = {NAMES.repository, f"github.com/{NAMES.repository}", NAMES.project}
    hosts = {f"gitlab.com/{NAMES.project}", f"$CI_SERVER_FQDN/{NAMES.project}"}
    images = {NAMES.images, NAMES.gitlab_images}
    known = of_git | hosts | {each.step for each in images} | {each.server for each in images}
    known |= {f"github.com/{NAMES.owner}", "/opt/studio-action", "charts/studio-action"}
    mirrors = ("platform/", "5000/ci/", "registry.example.org/", "acme/")
    paths = (".venv/", "src/", "share/", "pypi/")

    found = [each for each in named() if not each[1].startswith(mirrors + paths)]

    assert len(found) > 30
    assert [each for each in found if not each[1].endswith(tuple(known))] == []


def test_tree__has_no_placeholder() -> None:
    placeholder = re.compile(r"\bOWNER/studio-action|github\.com/OWNER\b|\btools/studio-action")
    assert [path for path, text in TREE if placeholder.search(text)] == []


def test_package__has_the_names_of_the_file() -> None:
    assert NAMES.repository == release_names.GITHUB
    assert NAMES.project == release_names.GITLAB
    assert NAMES.images.step == release_names.IMAGE
    assert NAMES.gitlab_images.step == release_names.GITLAB_IMAGE


def test_renamed__whole_tree_and_back() -> None:
    for path, text in TREE:
        there = renamed(text, NAMES, OTHER)
        assert renamed(there, OTHER, NAMES) == text, path
        if path.suffix in (".yml", ".yaml", ".md"):
            assert not re.search(r"ghcr\.io/studio-action|uses: studio-action/", there), path


def test_renamed__what_is_around_a_name_tells_github_from_gitlab() -> None:
    text = "uses: studio-action/studio-action@v1\nproject: studio-action/studio-action\n"

    assert renamed(text, NAMES, OTHER) == "uses: initech/ml-step@v1\nproject: platform/ci/step\n"


def test_renamed__a_server_is_not_the_step() -> None:
    other = replace(OTHER, images=Images("ghcr.io/initech/step", "quay.io/acme/server"))
    text = f"{NAMES.images.server}:1 {NAMES.images.step}:1"

    assert renamed(text, NAMES, other) == "quay.io/acme/server:1 ghcr.io/initech/step:1"
