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
    TokenRefused,
    Unreachable,
)
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.repository import Repository
from studio_action.net.clock import Clock, Deadline, Limits
from studio_action.net.network import Network
from tests.download.proxy import proxying
from tests.gitrepo.repositories import make_git, sample_at
from tests.servers.git import GitServer, git_server


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


def test_run_remote__a_private_authority(secure: GitServer, bundle: Path, tmp_path: Path) -> None:
    program = make_git(network=Network(ca_bundle=bundle))

    with Repository.clone_from(
        f"{secure.url}/sample.git", program, tmp_path / "scratch"
    ) as repository:
        assert repository.tags()


def test_run_remote__an_unknown_authority(secure: GitServer, tmp_path: Path) -> None:
    told: list[str] = []

    with pytest.raises(Unreachable, match="give it as `ca-bundle`"):
        Repository.clone_from(
            f"{secure.url}/sample.git", make_git(log=told.append), tmp_path / "scratch"
        )

    assert not told  # asking again would not help


def test_run_remote__through_a_proxy(secure: GitServer, bundle: Path, tmp_path: Path) -> None:
    with proxying() as proxy:
        proxy.credentials = "ada:secret"
        proxies = {"https": f"http://ada:secret@{proxy.address}", "no": ""}
        program = make_git(network=Network(bundle, proxies))

        with Repository.clone_from(f"{secure.url}/sample.git", program, tmp_path / "scratch"):
            pass

    assert f"CONNECT {secure.url.removeprefix('https://')}" in proxy.asked


def test_run_remote__hosts_that_need_no_proxy(
    secure: GitServer, bundle: Path, tmp_path: Path
) -> None:
    with proxying() as proxy:
        proxies = {"https": f"http://{proxy.address}", "no": "127.0.0.1"}
        program = make_git(network=Network(bundle, proxies))

        with Repository.clone_from(f"{secure.url}/sample.git", program, tmp_path / "scratch"):
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


def test_run_remote__over_ssh(ssh: Path, served: Path, tmp_path: Path) -> None:
    program = make_git(GIT_SSH_COMMAND=f"{ssh} -i key")
    url = f"ssh://git@host.example.com{served}/sample.git"

    with Repository.clone_from(url, program, tmp_path / "scratch") as repository:
        assert repository.tags()

    said = (tmp_path / "ssh.log").read_text()
    assert said.startswith("-i key -o BatchMode=yes -o ConnectTimeout=10 ")
    assert "git@host.example.com git-upload-pack" in said


def test_run_remote__over_ssh_without_a_key(tmp_path: Path) -> None:
    refusing = "echo 'git@host: Permission denied (publickey).' >&2; exit 255 #"

    with pytest.raises(TokenRefused, match="an SSH key that can read it"):
        Repository.clone_from(
            "git@host.example.com:a/b.git", make_git(GIT_SSH_COMMAND=refusing), tmp_path
        )


def test_run_remote__the_deadline_ends_a_silent_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.git"
        limits = Limits(60, 5, Deadline(0.3, Clock()), lambda: 0.5)
        environ = {"PATH": make_git().environ["PATH"]}
        program = Git(Network(), limits, environ, print)

        with pytest.raises(DeadlinePassed):
            Repository.clone_from(url, program, tmp_path / "scratch")

        connection, _ = silent.accept()
        with connection:
            connection.settimeout(5)
            assert connection.recv(4096).startswith(b"GET ")
            assert connection.recv(1) == b""  # who asked has ended, too


def test_run_remote__a_server_that_falls_silent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.git"
        limits = Limits(1, 0, Deadline(), lambda: 0.5)
        program = Git(Network(), limits, {"PATH": make_git().environ["PATH"]}, print)

        with pytest.raises(Unreachable, match=r"too slow|timed out|less than"):
            Repository.clone_from(url, program, tmp_path / "scratch")


def test_run_remote__nothing_of_a_server_but_plain_text_is_shown(tmp_path: Path) -> None:
    evil = "printf '\\033[31m::error::fatal https://ada:pw@host/\\007' >&2; exit 1 #"

    with pytest.raises(Unreachable) as caught:
        Repository.clone_from(
            "ssh://git@host/a", make_git(GIT_SSH_COMMAND=evil, retries=0), tmp_path / "scratch"
        )

    assert str(caught.value).isprintable()
    assert "ada:pw" not in str(caught.value)


def test_run_local__no_git(tmp_path: Path) -> None:
    program = make_git(PATH=str(tmp_path))

    with pytest.raises(BadInput, match="git is not installed"):
        program.run_local(tmp_path, "version")


def test_run_local__no_configuration_of_the_user(tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[core]\n    pager = touch ran\n[user]\n    name = Eve\n")

    assert not make_git(HOME=str(tmp_path)).succeeds(tmp_path, "config", "user.name")
