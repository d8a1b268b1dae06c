from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from studio_action.errors import (
    BadInput,
    DeadlinePassed,
    NoSuchModel,
    StudioActionError,
    TokenRefused,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.gitrepo.git.program import Credential, Git, Unadvertised, failure, has_ssh_key
from studio_action.gitrepo.git.repository import Repository
from studio_action.net.clock import Clock, Deadline, Limits
from studio_action.net.network import Network
from tests.download.proxy import proxying
from tests.gitrepo.repositories import make_git, sample_at
from tests.servers.git import GitServer, git_server

URL = "https://git.example.com/team/models"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    sample_at(folder / "sample.git")
    return folder


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA, served: Path) -> Iterator[GitServer]:
    """A server with a certificate of a private authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with git_server(served, tls=context) as server:
        yield server


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.mark.parametrize(
    ("origin", "token", "user", "password"),
    [
        ("https://github.com", "ghs_abc", "x-access-token", "ghs_abc"),
        ("https://git.example.com", "abc", "x-access-token", "abc"),
        ("https://gitlab.com", "glpat-abc", "oauth2", "glpat-abc"),
        ("https://gitlab.com", "glcbt-64_abc", "gitlab-ci-token", "glcbt-64_abc"),
        ("https://git.example.com", "glcbt-64_abc", "gitlab-ci-token", "glcbt-64_abc"),
        ("https://bitbucket.org", "ATCTT3x", "x-token-auth", "ATCTT3x"),
        ("https://git.example.com", "ada:s3:cret", "ada", "s3:cret"),
    ],
    ids=[
        "github",
        "any",
        "gitlab",
        "gitlab job",
        "own gitlab job",
        "bitbucket",
        "user and password",
    ],
)
def test_credential__user(origin: str, token: str, user: str, password: str) -> None:
    credential = Credential(origin, token)

    assert (credential.user, credential.password) == (user, password)
    assert token not in repr(credential)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("fatal: Authentication failed for 'https://x/'", TokenRefused),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", TokenRefused),
        ("fatal: unable to access 'x': The requested URL returned error: 403", TokenRefused),
        ("remote: HTTP Basic: Access denied.; fatal: Authentication failed for 'x'", TokenRefused),
        ("git@github.com: Permission denied (publickey).", TokenRefused),
        ("Host key verification failed.", Unreachable),
        ("remote: Repository not found.; fatal: repository 'x' not found", NoSuchModel),
        ("fatal: 'x' does not appear to be a git repository", NoSuchModel),
        ("ERROR: The project you were looking for could not be found", NoSuchModel),
        ("fatal: unable to access 'x': Could not resolve host: x", Unreachable),
        ("fatal: unable to access 'x': The requested URL returned error: 502", Unreachable),
        ("fatal: unable to access 'x': SSL certificate problem: self-signed", Unreachable),
        ("error: Server does not allow request for unadvertised object 0a", Unadvertised),
        ("fatal: write error: No space left on device", WorkspaceRefused),
    ],
    ids=[
        "wrong token",
        "no token",
        "403",
        "gitlab",
        "ssh key",
        "unknown host",
        "github hides",
        "not there",
        "gitlab hides",
        "dns",
        "502",
        "certificate",
        "old protocol",
        "disk full",
    ],
)
def test_failure__kind(said: str, error: type[StudioActionError]) -> None:
    assert type(failure(URL, said)) is error


def test_talk__a_private_authority(secure: GitServer, bundle: Path, tmp_path: Path) -> None:
    program = make_git(network=Network(ca_bundle=bundle))

    with Repository.of(f"{secure.url}/sample.git", program, tmp_path / "scratch") as repository:
        assert repository.tags()


def test_talk__an_unknown_authority(secure: GitServer, tmp_path: Path) -> None:
    told: list[str] = []

    with pytest.raises(Unreachable, match="give it as `ca-bundle`"):
        Repository.of(f"{secure.url}/sample.git", make_git(log=told.append), tmp_path / "scratch")

    assert not told  # asking again would not help


def test_talk__through_a_proxy(secure: GitServer, bundle: Path, tmp_path: Path) -> None:
    with proxying() as proxy:
        proxy.credentials = "ada:secret"
        proxies = {"https": f"http://ada:secret@{proxy.address}", "no": ""}
        program = make_git(network=Network(bundle, proxies))

        with Repository.of(f"{secure.url}/sample.git", program, tmp_path / "scratch"):
            pass

    assert f"CONNECT {secure.url.removeprefix('https://')}" in proxy.asked


def test_talk__hosts_that_need_no_proxy(secure: GitServer, bundle: Path, tmp_path: Path) -> None:
    with proxying() as proxy:
        proxies = {"https": f"http://{proxy.address}", "no": "127.0.0.1"}
        program = make_git(network=Network(bundle, proxies))

        with Repository.of(f"{secure.url}/sample.git", program, tmp_path / "scratch"):
            pass

    assert not proxy.asked


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    """A program that takes ssh's words, keeps them, and runs the command on this machine."""
    program = tmp_path / "ssh"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/ssh.log\nfor last; do :; done\nexec sh -c "$last"\n'
    )
    program.chmod(0o755)
    return program


def test_talk__over_ssh(ssh: Path, served: Path, tmp_path: Path) -> None:
    program = make_git(GIT_SSH_COMMAND=f"{ssh} -i key")
    url = f"ssh://git@host.example.com{served}/sample.git"

    with Repository.of(url, program, tmp_path / "scratch") as repository:
        assert repository.tags()

    said = (tmp_path / "ssh.log").read_text()
    assert said.startswith("-i key -o BatchMode=yes -o ConnectTimeout=10 ")
    assert "git@host.example.com git-upload-pack" in said


def test_talk__over_ssh_without_a_key(tmp_path: Path) -> None:
    refusing = "echo 'git@host: Permission denied (publickey).' >&2; exit 255 #"

    with pytest.raises(TokenRefused, match="a key that ssh can use"):
        Repository.of("git@host.example.com:a/b.git", make_git(GIT_SSH_COMMAND=refusing), tmp_path)


def test_talk__the_deadline_ends_a_silent_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.git"
        limits = Limits(60, 5, Deadline(0.3, Clock()), lambda: 0.5)
        environ = {"PATH": make_git().environ["PATH"]}
        program = Git(Network(), limits, environ, print)

        with pytest.raises(DeadlinePassed):
            Repository.of(url, program, tmp_path / "scratch")

        connection, _ = silent.accept()
        with connection:
            connection.settimeout(5)
            assert connection.recv(4096).startswith(b"GET ")
            assert connection.recv(1) == b""  # who asked has ended, too


def test_talk__a_server_that_falls_silent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.git"
        limits = Limits(1, 0, Deadline(), lambda: 0.5)
        program = Git(Network(), limits, {"PATH": make_git().environ["PATH"]}, print)

        with pytest.raises(Unreachable, match=r"too slow|timed out|less than"):
            Repository.of(url, program, tmp_path / "scratch")


def test_talk__nothing_of_a_server_but_plain_text_is_shown(tmp_path: Path) -> None:
    evil = "printf '\\033[31m::error::fatal https://ada:pw@host/\\007' >&2; exit 1 #"

    with pytest.raises(Unreachable) as caught:
        Repository.of(
            "ssh://git@host/a", make_git(GIT_SSH_COMMAND=evil, retries=0), tmp_path / "scratch"
        )

    assert str(caught.value).isprintable()
    assert "ada:pw" not in str(caught.value)


def test_read__no_git(tmp_path: Path) -> None:
    program = make_git(PATH=str(tmp_path))

    with pytest.raises(BadInput, match="git is not installed"):
        program.read(tmp_path, "version")


def test_read__no_configuration_of_the_user(tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[core]\n    pager = touch ran\n[user]\n    name = Eve\n")

    assert not make_git(HOME=str(tmp_path)).succeeds(tmp_path, "config", "user.name")


def test_has_ssh_key(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert not has_ssh_key({})
    assert not has_ssh_key(home)
    assert has_ssh_key({"SSH_AUTH_SOCK": "/run/agent"})
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519").touch()
    assert has_ssh_key(home)
