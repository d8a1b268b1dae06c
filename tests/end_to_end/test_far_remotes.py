"""Models that the real dvc pushed to remotes which no URL opens, brought by the real program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Program, Ran
from tests.end_to_end.test_git import run, set_up
from tests.gitrepo.repositories import git, made_at
from tests.servers.ssh import Sshd, sshd
from tests.servers.webdav import WebDav, webdav
from tests.servers.wire import wire

DVC = Path(__file__).parents[2] / ".venv-dvc" / "bin" / "dvc"
CONTENTS = {
    "model.bin": bytes(range(256)) * 12_000,
    "tokens/a b.txt": b"one\r\ntwo\r\n",
    "tokens/deep/é.bin": b"\0",
}
ARTIFACTS = b"artifacts:\n  churn: {path: model.bin, type: model}\n  tokens: {path: tokens}\n"
Options = Mapping[str, str]

pytestmark = [pytest.mark.servers, pytest.mark.oracle]


@pytest.fixture(scope="module")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("server") / "sshd") as running:
        yield running


@pytest.fixture(scope="module")
def dav_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDav]:
    with webdav(tmp_path_factory.mktemp("server") / "webdav") as running:
        yield running


def pushed(folder: Path, url: str, options: Options) -> Path:
    """A repository whose models the real dvc pushed; its committed config says the url alone."""
    assert DVC.exists(), "Run `make dvc` first"
    made_at(folder, CONTENTS)
    (folder / ".git/info/exclude").write_text("/*\n!/*.dvc\n!/.dvc\n!/dvc.yaml\n")
    git(folder, "rm", "-r", "--quiet", "--cached", *CONTENTS)
    for words in (
        ["init", "--quiet"],
        ["remote", "add", "--quiet", "--default", "store", url],
        *(["remote", "modify", "--quiet", "--local", "store", *said] for said in options.items()),
        ["add", "--quiet", "model.bin", "tokens"],
        ["push"],
    ):
        home = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "DVC_NO_ANALYTICS": "1"}
        subprocess.run([DVC, *words], cwd=folder, env=home, check=True)
    (folder / "dvc.yaml").write_bytes(ARTIFACTS)
    git(folder, "add", "--force", "dvc.yaml", "model.bin.dvc", "tokens.dvc", ".dvc/config")
    git(folder, "commit", "--quiet", "-m", "Models")
    for tag in ("churn@v1.0.0", "tokens@v1.0.0"):
        git(folder, "tag", "-a", tag, "-m", tag)
    return folder


@pytest.fixture(scope="module")
def behind_ssh(ssh_server: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ssh")
    url = ssh_server.url(folder / "remote")
    return pushed(folder / "checkout", url, {"keyfile": str(ssh_server.key)})


@pytest.fixture(scope="module")
def on_webdav(dav_server: WebDav, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("webdav")
    (dav_server.folder / "a" / "b c").mkdir(parents=True)
    login = {"user": dav_server.user, "password": dav_server.password}
    return pushed(folder / "checkout", dav_server.url("/a/b c"), login)


def cloned(program: Program, repository: Path, options: Options) -> None:
    git(program.workspace, "clone", "--quiet", str(repository), ".")
    set_up(program.workspace, {"store": dict(options)})


def know(lines: str) -> None:
    place = Path.home() / ".ssh" / "known_hosts"
    place.parent.mkdir(exist_ok=True)
    place.write_text(lines)


def download(program: Program, model: str = "churn") -> Ran:
    return run(program, "download-model", "--model", model, "--dest=out")


def delivered(program: Program) -> dict[str, bytes]:
    return {
        path.removeprefix("out/"): content
        for path, content in program.files().items()
        if path.startswith("out/")
    }


def of(model: str) -> dict[str, bytes]:
    """What belongs to a model."""
    top = {"churn": "model.bin", "tokens": "tokens/"}[model]
    return {path: content for path, content in CONTENTS.items() if path.startswith(top)}


@pytest.mark.parametrize("model", ["churn", "tokens"])
def test_download__behind_ssh(
    program: Program, behind_ssh: Path, ssh_server: Sshd, model: str
) -> None:
    cloned(program, behind_ssh, {"keyfile": str(ssh_server.key)})
    know(ssh_server.known())

    ran = download(program, model)

    assert (ran.code, delivered(program)) == (0, of(model)), ran.said


@pytest.mark.parametrize("model", ["churn", "tokens"])
def test_download__on_webdav(
    program: Program, on_webdav: Path, dav_server: WebDav, model: str
) -> None:
    login = {"user": dav_server.user, "password": dav_server.password}
    cloned(program, on_webdav, {"url": dav_server.url("/a/b c"), **login})

    ran = download(program, model)

    assert (ran.code, delivered(program)) == (0, of(model)), ran.said
    assert dav_server.password not in ran.said


def test_download__a_password_goes_to_no_address_of_the_repository(
    program: Program, on_webdav: Path, dav_server: WebDav
) -> None:
    cloned(program, on_webdav, {"user": dav_server.user, "password": dav_server.password})

    ran = download(program)

    assert (ran.code, delivered(program)) == (10, {}), ran.said
    assert "dvc remote modify --local store url" in ran.said


def test_download__an_unknown_host(program: Program, behind_ssh: Path, ssh_server: Sshd) -> None:
    cloned(program, behind_ssh, {"keyfile": str(ssh_server.key)})

    ran = download(program)

    assert (ran.code, delivered(program)) == (13, {}), ran.said
    assert "ssh-keyscan" in ran.said


def test_download__no_key(program: Program, behind_ssh: Path, ssh_server: Sshd) -> None:
    cloned(program, behind_ssh, {})
    know(ssh_server.known())

    ran = download(program)

    assert (ran.code, delivered(program)) == (11, {}), ran.said


def test_download__not_pushed(program: Program, behind_ssh: Path, ssh_server: Sshd) -> None:
    elsewhere = ssh_server.url(program.workspace.parent / "empty")
    cloned(program, behind_ssh, {"url": elsewhere, "keyfile": str(ssh_server.key)})
    know(ssh_server.known())

    ran = download(program, "tokens")

    assert (ran.code, delivered(program)) == (12, {}), ran.said
    assert "dvc push" in ran.said


def test_download__a_signal_leaves_nothing_half_written(
    program: Program, behind_ssh: Path, ssh_server: Sshd
) -> None:
    know(ssh_server.known())
    with wire(ssh_server.port) as line:
        know(ssh_server.known(line.port))
        url = ssh_server.url(behind_ssh.parent / "remote", line.port)
        cloned(program, behind_ssh, {"url": url, "keyfile": str(ssh_server.key)})
        line.faults.append(("silent", 2_000_000))
        stopped = subprocess.Popen(
            [Path(sys.executable).with_name("studio-action"), "download-model"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "STUDIO_ACTION_REPO": ".",
                "STUDIO_ACTION_MODEL": "churn",
                "STUDIO_ACTION_DEST": "out",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        partial = program.workspace / ".studio-action" / "partial"
        patience = time.monotonic() + 30
        while sum(path.stat().st_size for path in partial.rglob("*")) < 1_000_000:
            assert stopped.poll() is None, stopped.communicate()[0]
            assert time.monotonic() < patience, "nothing came"
            time.sleep(0.05)
        stopped.send_signal(signal.SIGTERM)
        said, _ = stopped.communicate(timeout=10)
        assert (stopped.returncode, delivered(program)) == (143, {}), said
        assert "Traceback" not in said

        ran = download(program)

    assert (ran.code, delivered(program)) == (0, of("churn")), ran.said
    assert line.connections == 2
