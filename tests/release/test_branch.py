"""A release's commit and tags, made by the real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from release import tree
from release.branch import Release, commit_release
from release.names import FILE, ReleaseNames
from release.tags import ALLOWED_SIGNERS, verify_source
from release.versions import Version

from studio_action.errors import BadInput, PolicyRefused

ROOT = Path(__file__).parents[2]
NAMES = ReleaseNames.parse((ROOT / FILE).read_text())
REFERENCE = f"{NAMES.images.step}@sha256:{7:064x}"
ACTION = "runs:\n  using: docker\n  image: Dockerfile\n"
WHO = ("-c", "user.name=a", "-c", "user.email=release@example.org")
NEXT = Version(1, 2, 3)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    tree.git(folder, "init", "--quiet")
    (folder / "action.yml").write_text(ACTION)
    tree.git(folder, "add", ".")
    tree.git(folder, *WHO, "commit", "--quiet", "--no-gpg-sign", "--message=Version 1.2.3")
    return folder


def release(version: str = "1.2.3") -> Release:
    return Release(Version.parse(version), {NAMES.images.step: REFERENCE}, NAMES.images.step)


def test_commit__on_top_of_the_source_with_its_tags(source: Path) -> None:
    at = tree.git(source, "rev-parse", "HEAD")

    refs = commit_release(source, release())

    assert refs == ["release-1.2", "v1.2.3", "v1.2", "v1"]
    assert tree.git(source, "rev-parse", "v1.2.3^") == at
    assert f"docker://{REFERENCE}" in tree.git(source, "show", "v1:action.yml")
    assert f"Image: {REFERENCE}" in tree.git(source, "log", "-1", "--format=%B", "v1.2")
    assert tree.git(source, "diff", "--name-only", "v1.2.3^", "v1.2.3") == "action.yml\n"


def test_commit__is_the_same_each_time(source: Path, tmp_path: Path) -> None:
    tree.git(tmp_path, "clone", "--quiet", str(source), "again")

    commits = []
    for each in (source, tmp_path / "again"):
        commit_release(each, release())
        commits.append(tree.git(each, "rev-parse", "v1.2.3"))

    assert commits[0] == commits[1]


def test_commit__a_fix_of_an_older_line_leaves_the_newest_where_it_is(source: Path) -> None:
    tree.git(source, "tag", "v1.3.0")

    assert commit_release(source, release()) == ["release-1.2", "v1.2.3", "v1.2"]


def test_commit__a_release_is_never_made_again(source: Path) -> None:
    tree.git(source, "tag", "v1.2.3")

    with pytest.raises(BadInput, match="is there"):
        commit_release(source, release())


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("maintainer", "stranger"):
        command = [
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            name,
            "-f",
            str(folder / name),
        ]
        subprocess.run(command, check=True)
    return {name: folder / name for name in ("maintainer", "stranger")}


def sign(source: Path, key: Path, tag: str = "source/v1.2.3") -> None:
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}")
    tree.git(source, *WHO, *signing, "tag", "--sign", "--message=a", tag)


@pytest.fixture
def trusting(source: Path, keys: dict[str, Path]) -> Path:
    public = keys["maintainer"].with_suffix(".pub").read_text()
    file = source / ALLOWED_SIGNERS
    file.parent.mkdir()
    file.write_text(f'release@example.org namespaces="git" {public}')
    tree.git(source, "add", ".")
    tree.git(source, *WHO, "commit", "--quiet", "--no-gpg-sign", "--message=signers")
    return source


def test_source__signed_by_a_maintainer(trusting: Path, keys: dict[str, Path]) -> None:
    sign(trusting, keys["maintainer"])

    assert verify_source(trusting, "source/v1.2.3", NEXT) == NEXT


def test_source__signed_by_a_stranger(trusting: Path, keys: dict[str, Path]) -> None:
    sign(trusting, keys["stranger"])

    with pytest.raises(PolicyRefused, match="no signature of somebody"):
        verify_source(trusting, "source/v1.2.3", NEXT)


def test_source__not_signed(trusting: Path) -> None:
    tree.git(trusting, *WHO, "tag", "--no-sign", "--annotate", "--message=a", "source/v1.2.3")

    with pytest.raises(PolicyRefused):
        verify_source(trusting, "source/v1.2.3", NEXT)


@pytest.mark.parametrize(
    ("tag", "version", "why"),
    [
        ("source/v1.2.3", "1.2.4", "on a tree of version 1.2.4"),
        ("v1.2.3", "1.2.3", "is not a source's tag"),
        ("source/v1.2", "1.2.3", "is not a release's version"),
    ],
)
def test_source__another_tag(
    trusting: Path, keys: dict[str, Path], tag: str, version: str, why: str
) -> None:
    sign(trusting, keys["maintainer"], tag)

    with pytest.raises(BadInput, match=why):
        verify_source(trusting, tag, Version.parse(version))


def test_source__another_commit(trusting: Path, keys: dict[str, Path]) -> None:
    sign(trusting, keys["maintainer"])
    tree.git(
        trusting, *WHO, "commit", "--quiet", "--no-gpg-sign", "--allow-empty", "--message=more"
    )

    with pytest.raises(BadInput, match="not checked out"):
        verify_source(trusting, "source/v1.2.3", NEXT)


def test_this_tree__its_allowed_signers_are_read_by_ssh() -> None:
    lines = (ROOT / ALLOWED_SIGNERS).read_text().splitlines()

    assert all(line.startswith("#") or 'namespaces="git"' in line for line in lines if line)
