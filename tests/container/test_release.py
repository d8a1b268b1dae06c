"""A release of this checkout's last commit, and a workflow that uses it: all on loopback."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from release import tree
from release.checking import Rehearsal, check_release
from release.names import FILE, ReleaseNames
from release.rehearsing import rehearse
from release.versions import Version

from tests.container.engine import ROOT, Image

NAMES = ReleaseNames.parse((ROOT / FILE).read_text())


@pytest.fixture(scope="module")
def made(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release 1.2.3, whose step is the image under test."""
    folder = tmp_path_factory.mktemp("release") / "made"
    check_release(ROOT, folder, Version(1, 2, 3), f"docker-daemon:{image.name}", print)
    return folder


def at(made: Path, ref: str, name: str) -> str:
    return tree.git(made / "origin.git", "show", f"{ref}:{name}")


@pytest.mark.parametrize("ref", ["v1", "v1.2", "v1.2.3", "release-1.2"])
def test_action__runs_the_pushed_image_by_digest(made: Path, ref: str) -> None:
    assert f"  image: docker://{Rehearsal.load(made).step}\n" in at(made, ref, "action.yml")


def test_image__has_the_version_as_its_tag(made: Path) -> None:
    """As the registry keeps it: a folder for each tag."""
    path = NAMES.images.step.partition("/")[2]
    kept = made / "registry/docker/registry/v2/repositories" / path

    assert [tag.name for tag in (kept / "_manifests/tags").iterdir()] == ["1.2.3"]


def test_tree__says_the_version_everywhere(made: Path) -> None:
    assert '__version__ = "1.2.3"' in at(made, "v1", "src/studio_action/__init__.py")
    assert f"uses: {NAMES.repository}@v1.2.3" in at(made, "v1", "README.md")
    assert "## [1.2.3] - " in at(made, "v1", "CHANGELOG.md")
    assert Rehearsal.load(made).step in at(made, "v1", "templates/download-model/template.yml")


def test_verify__what_its_page_says_of_git_and_of_files(made: Path, tmp_path: Path) -> None:
    """The commands that need no internet, with the files of this release."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/verify.md").read_text(), re.DOTALL)
    script = "set -eu\n" + "".join(each for each in blocks if each.startswith(("git ", "grep ")))
    step = made / "sbom" / f"{NAMES.images.step.replace('/', '_')}.cdx.json"
    clone = tree.git(tmp_path, "clone", "--quiet", str(made / "source"), str(tmp_path / "clone"))
    assert not clone
    (tmp_path / "clone/image-amd64.cdx.json").write_bytes(step.read_bytes())

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path / "clone",
        capture_output=True,
        text=True,
        env=tree.environ(),
    )

    assert done.returncode == 0, done.stderr
    assert 'Good "git" signature for release@rehearsal.invalid' in done.stdout + done.stderr
    assert re.search(r"^0$", done.stdout, re.MULTILINE)
    assert f"docker://{Rehearsal.load(made).step}" in done.stdout
    assert '"pkg:pypi/requests@' in done.stdout


def test_sbom__has_what_python_and_debian_installed(made: Path) -> None:
    (text, *_) = [path.read_text() for path in (made / "sbom").iterdir()]
    listed = {each["purl"].partition("@")[0] for each in json.loads(text)["components"]}

    assert {"pkg:pypi/requests", "pkg:pypi/botocore", "pkg:pypi/studio-action"} < listed
    assert {"pkg:deb/debian/git", "pkg:deb/debian/libc6"} < listed


def test_notes__are_what_is_not_released_yet(made: Path) -> None:
    assert (made / "notes.md").read_text().startswith("### Added\n")


def test_rehearsal__a_workflow_pulls_by_digest_and_downloads(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rehearse(ROOT, made, print)

    said = capsys.readouterr().out
    assert f"pulled {Rehearsal.load(made).step}" in said
    assert "verified" in said
