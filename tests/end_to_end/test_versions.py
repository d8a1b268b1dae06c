"""Which version a stage, the latest or a range is, told by the tags of a real repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_action.studio import api
from tests import sample
from tests.end_to_end.conftest import Program, Ran
from tests.end_to_end.test_download import CASES
from tests.gitrepo.repositories import git, sample_at
from tests.reference import REPOSITORY
from tests.servers.git import GitServer, git_server

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample repository, as a Git server has it."""
    folder = tmp_path_factory.mktemp("served")
    (folder / REPOSITORY).parent.mkdir(parents=True)
    sample_at(folder / f"{REPOSITORY}.git")
    return folder


@pytest.fixture
def server(served: Path) -> Iterator[GitServer]:
    with git_server(served) as running:
        yield running


def run(program: Program, server: GitServer, command: str, *options: str, **environ: str) -> Ran:
    """Run `command` about the repository on `server`, with the machine's git."""
    address = f"{server.url}/{REPOSITORY}.git"
    known = {"STUDIO_ACTION_REPO": address, "PATH": os.environ["PATH"]}
    return program.run(command, *options, **known, **environ)


@pytest.mark.parametrize(("name", "options", "version"), CASES)
def test_version__is_what_gto_says(
    program: Program, server: GitServer, name: str, options: list[str], version: str
) -> None:
    outputs = run(program, server, "resolve-model", "--model", name, *options).outputs

    revision = sample.expected()["models"][name]["versions"][version]["revision"]
    registered = version if version.startswith("v") else ""
    assert (outputs["version"], outputs["revision"]) == (registered, revision)
    [first, asked] = program.server.requests
    assert first.path == f"/{api.RESOLVE}"  # which this server does not have
    if registered:
        assert asked.query["version"] == version


@pytest.mark.parametrize(
    ("options", "version"),
    [
        (["--version", "^1"], "v1.1.0-beta.11"),
        (["--version", "^1", "--prerelease", "exclude"], "v1.0.0"),
        (["--version", ">=1,<3"], "v2.0.0"),
        (["--prerelease", "only"], "v1.1.0-beta.11"),
    ],
)
def test_version__of_a_range_or_a_kind(
    program: Program, server: GitServer, options: list[str], version: str
) -> None:
    ran = run(program, server, "download-model", "--model", "text-classifier", *options)
    assert (ran.code, ran.outputs["version"]) == (0, version), ran.said


def test_version__nothing_is_left_behind_and_nothing_changed(
    program: Program, server: GitServer, served: Path
) -> None:
    repository = served / f"{REPOSITORY}.git"
    before = git(repository, "for-each-ref")
    ran = run(program, server, "download-model", "--model", "text-classifier", "--stage", "prod")
    assert ran.outputs["tag"] == f"text-classifier@{ran.outputs['version']}"
    assert git(repository, "for-each-ref") == before
    assert [path.name for path in Path(".studio-action").iterdir() if path.is_dir()] != ["tags"]


def test_version__of_a_private_repository(program: Program, served: Path) -> None:
    asked = ("resolve-model", "--model", "text-classifier", "--stage", "prod")
    with git_server(served, password=PASSWORD) as private:
        known = run(program, private, *asked, STUDIO_ACTION_GIT_TOKEN=PASSWORD)
        unknown = run(program, private, *asked)
    assert (known.code, known.outputs["version"] != "") == (0, True), known.said
    assert (unknown.code, unknown.outputs["version"]) == (0, "")
    assert "git-token" in unknown.said
    assert PASSWORD not in known.said + unknown.said


def test_version__from_the_checkout_where_the_server_is_gone(
    program: Program, server: GitServer, served: Path
) -> None:
    git(program.workspace, "clone", "--quiet", str(served / f"{REPOSITORY}.git"), ".")
    git(program.workspace, "remote", "set-url", "origin", f"{server.url}/{REPOSITORY}.git")
    server.script.extend([500] * 20)
    ran = run(program, server, "resolve-model", "--model", "text-classifier", "--stage", "prod")
    assert (ran.code, ran.outputs["version"] != "") == (0, True), ran.said


def test_version__a_range_needs_the_tags(program: Program, server: GitServer) -> None:
    server.script.extend([500] * 20)
    ran = run(program, server, "resolve-model", "--model", "text-classifier", "--version", "^1")
    assert ran.code == 13, ran.said
    assert [request.path for request in program.server.requests] == [f"/{api.RESOLVE}"]
