from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_action.errors import BadInput, ObjectMissing, TokenRefused
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.git.credential import Credential
from studio_action.gitrepo.locate.import_repositories import (
    FetchAddress,
    ImportRepositories,
    fetch_address,
)
from studio_action.model.repository_url import RepositoryUrl
from tests.gitrepo.repositories import committed, git, made_at, make_git
from tests.servers.git import GitServer, git_server

PASSWORD = "correct-horse-battery"


@pytest.mark.parametrize(
    ("address", "home", "expected"),
    [
        (
            "https://a.example/x",
            "https://a.example/y.git",
            FetchAddress("https://a.example/x", True),
        ),
        (
            "https://b.example/x",
            "https://a.example/y.git",
            FetchAddress("https://b.example/x", False),
        ),
        (
            "http://a.example/x",
            "https://a.example/y.git",
            FetchAddress("http://a.example/x", False),
        ),
        (
            "https://a.example:8/x",
            "https://a.example/y",
            FetchAddress("https://a.example:8/x", False),
        ),
        (
            "https://a.example.b/x",
            "https://a.example/y",
            FetchAddress("https://a.example.b/x", False),
        ),
        ("https://a.example/x", "git@a.example:y", FetchAddress("https://a.example/x", False)),
        ("git@a.example:x", "git@a.example:y", FetchAddress("git@a.example:x", True)),
        ("git@a.example:x", "ssh://git@a.example/y", FetchAddress("git@a.example:x", True)),
        ("ssh://git@a.example/x", "git@a.example:y", FetchAddress("ssh://git@a.example/x", True)),
        ("git@a.example:x", "https://a.example/y", FetchAddress("https://a.example/x.git", True)),
        ("git@b.example:x", "git@a.example:y", FetchAddress("https://b.example/x.git", False)),
        ("git@b.example:x", "", FetchAddress("https://b.example/x.git", False)),
        (
            "ssh://git@a.example:22/x",
            "git@a.example:y",
            FetchAddress("https://a.example/x.git", False),
        ),
        ("https://a.example/x", "", FetchAddress("https://a.example/x", False)),
        ("https://a.example/x", "/srv/y.git", FetchAddress("https://a.example/x", False)),
    ],
)
def test_fetch_address(address: str, home: str, expected: FetchAddress) -> None:
    assert fetch_address(RepositoryUrl.parse(address), home) == expected


def test_fetch_address__ssh_alone() -> None:
    with pytest.raises(BadInput, match="needs an SSH key"):
        fetch_address(RepositoryUrl.parse("git@ssh.dev.azure.com:v3/a/b"), "git@a.example:y")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    (tmp_path / "served").mkdir()
    with git_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
def commits(server: GitServer, tmp_path: Path) -> tuple[str, str]:
    """Two commits of `source.git`, of which no tag tells; the first is before the second."""
    made = made_at(tmp_path / "made", {"m": b"one"})
    first = git(made, "rev-parse", "HEAD")
    second = committed(made, {"m": b"two"})
    git(made, "clone", "--quiet", "--bare", str(made), str(server.folder / "source.git"))
    return first, second


def source(server: GitServer, commit: str) -> ImportSource:
    return ImportSource(RepositoryUrl.parse(f"{server.url}/source.git"), commit)


@pytest.mark.parametrize("old", [False, True])
def test_open__any_commit(
    server: GitServer, commits: tuple[str, str], tmp_path: Path, old: bool
) -> None:
    server.old = old
    repositories = ImportRepositories(make_git(), "", tmp_path / "there")

    for commit, content in zip(commits, (b"one", b"two"), strict=True):
        with repositories.open(source(server, commit)) as revision:
            assert revision.read(["m"]) == {"m": content}


def test_open__the_second_time_nothing_is_fetched(
    server: GitServer, commits: tuple[str, str], tmp_path: Path
) -> None:
    repositories = ImportRepositories(make_git(), "", tmp_path / "there")
    with repositories.open(source(server, commits[0])):
        pass
    before = len(server.requests)

    with repositories.open(source(server, commits[0])):
        assert len(server.requests) == before


def test_open__no_such_commit(server: GitServer, commits: tuple[str, str], tmp_path: Path) -> None:
    repositories = ImportRepositories(make_git(), "", tmp_path / "there")

    with (
        pytest.raises(ObjectMissing, match=r"there is no commit 0a0a.*`dvc update`"),
        repositories.open(source(server, "0a" * 20)),
    ):
        pass


def test_open__the_credential_is_for_the_server_of_the_users_own(
    server: GitServer, commits: tuple[str, str], tmp_path: Path
) -> None:
    server.password = PASSWORD
    program = make_git(credential=Credential(server.url, PASSWORD))
    repositories = ImportRepositories(program, f"{server.url}/registry.git", tmp_path / "there")

    with repositories.open(source(server, commits[0])) as revision:
        assert "m" in revision.listing("")


def test_open__elsewhere_nothing_is_sent(
    server: GitServer, commits: tuple[str, str], tmp_path: Path
) -> None:
    """Neither the token, nor what a home folder has for that very host."""
    server.password = PASSWORD
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text(f"machine 127.0.0.1 login ada password {PASSWORD}\n")
    (home / ".git-credentials").write_text(server.url.replace("://", f"://ada:{PASSWORD}@"))
    program = make_git(credential=Credential("http://127.0.0.1:1", PASSWORD), HOME=str(home))
    repositories = ImportRepositories(
        program, "http://127.0.0.1:1/registry.git", tmp_path / "there"
    )

    with (
        pytest.raises(TokenRefused, match="requested without a credential"),
        repositories.open(source(server, commits[0])),
    ):
        pass
    assert server.requests
    assert not [headers for _, headers in server.requests if "authorization" in headers]


def test_open__no_key_for_ssh_goes_to_another_host(tmp_path: Path) -> None:
    """An ssh that tells of each call is never called, and gets no agent."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho called >> {tmp_path}/calls\nexit 1\n")
    ssh.chmod(0o755)
    program = make_git(GIT_SSH_COMMAND=str(ssh), SSH_AUTH_SOCK="/tmp/agent", retries=0)
    repositories = ImportRepositories(program, "git@a.example:models.git", tmp_path / "there")

    with (
        pytest.raises(Exception, match=r"https://127\.0\.0\.1/x\.git cannot be reached"),
        repositories.open(ImportSource(RepositoryUrl.parse("git@127.0.0.1:x"), "0a" * 20)),
    ):
        pass
    assert not (tmp_path / "calls").exists()
    subprocess.run([ssh], check=False)
    assert (tmp_path / "calls").exists()
