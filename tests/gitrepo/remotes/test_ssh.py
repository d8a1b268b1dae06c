from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_action.download.filesystems import Filesystems
from studio_action.errors import (
    BadInput,
    ContentMismatch,
    DeadlinePassed,
    ObjectMissing,
    TokenRefused,
    Unreachable,
)
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes import ssh
from tests.gitrepo.remotes.reading import NOW, Reads, put
from tests.servers.ssh import Sshd, keygen, sshd
from tests.servers.wire import wire

CONTENT = random.Random(9).randbytes(3_000_000)
EARLY = 20_000
"""Bytes of the server's that are well within its greeting and log-in, or just past them."""

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("server") / "sshd") as running:
        yield running


class Here:
    """A user's home and a remote's folder on this machine."""

    def __init__(self, server: Sshd, folder: Path) -> None:
        self.server, self.remote = server, folder / "remote é #1"
        self.reads = Reads(ssh.opened, folder / "run")
        self.reads.folder.mkdir()
        self.home = Path.home() / ".ssh"
        self.home.mkdir()
        self.know(server.known())

    def know(self, lines: str) -> None:
        (self.home / "known_hosts").write_text(lines)

    def settings(self, *, port: int = 0, said: str = "outside", **options: str) -> Settings:
        url = self.server.url(self.remote, port)
        if said == "repository":
            return Settings.of("store", url, options, "repository")
        return Settings.of("store", url, {"keyfile": str(self.server.key), **options})


@pytest.fixture
def here(server: Sshd, tmp_path: Path) -> Here:
    return Here(server, tmp_path)


def test_read__verified(here: Here) -> None:
    put(here.remote, CONTENT)

    assert here.reads.read(here.settings(), CONTENT) == CONTENT
    assert (here.reads.transferred, here.reads.left()) == (len(CONTENT), [])
    assert here.reads.heard.arrived == len(CONTENT)


def test_read__options_say_more_than_the_url(here: Here) -> None:
    put(here.remote, CONTENT)
    url = f"ssh://nobody@127.0.0.1:1{here.remote}"
    options = {
        "port": str(here.server.port),
        "user": here.server.user,
        "keyfile": str(here.server.key),
    }

    assert here.reads.read(Settings.of("store", url, options), CONTENT) == CONTENT


def test_read__with_a_passphrase(here: Here, tmp_path: Path) -> None:
    put(here.remote, CONTENT)
    locked = tmp_path / "locked"
    allowed = here.server.key.with_name("authorized_keys")
    allowed.write_text(f"{allowed.read_text()}{keygen(locked, 'open sesame')}\n")
    said = here.settings(keyfile=str(locked), passphrase="open sesame")

    assert here.reads.read(said, CONTENT) == CONTENT
    with pytest.raises(BadInput, match=r"'store' cannot be reached: .*passphrase"):
        here.reads.read(here.settings(keyfile=str(locked), passphrase="wrong"), CONTENT)


def test_read__a_key_of_the_machine_answers_a_host_that_the_machine_knows(here: Here) -> None:
    put(here.remote, CONTENT)
    (here.home / "id_ed25519").write_bytes(here.server.key.read_bytes())
    (here.home / "id_ed25519").chmod(0o600)

    assert here.reads.read(here.settings(said="repository"), CONTENT) == CONTENT


def test_read__an_alias_and_known_hosts_elsewhere(here: Here, tmp_path: Path) -> None:
    put(here.remote, CONTENT)
    here.know("")
    (tmp_path / "hosts").write_text(here.server.known())
    (here.home / "config").write_text(
        f"Host gpu-box\n  HostName 127.0.0.1\n  Port {here.server.port}\n"
        f"  User {here.server.user}\n"
        f"  UserKnownHostsFile {tmp_path}/hosts\n"
    )
    said = Settings.of("store", f"ssh://gpu-box{here.remote}", {"keyfile": str(here.server.key)})

    assert here.reads.read(said, CONTENT) == CONTENT


@pytest.mark.parametrize("config", ["", "Host *\n  UserKnownHostsFile none\n"])
def test_read__an_unknown_host(here: Here, config: str) -> None:
    put(here.remote, CONTENT)
    here.know("")
    (here.home / "config").write_text(config)

    with pytest.raises(Unreachable, match=r"does not know the host of the remote 'store'.*keyscan"):
        here.reads.read(here.settings(), CONTENT)


def test_read__a_host_with_another_key(here: Here, tmp_path: Path) -> None:
    put(here.remote, CONTENT)
    here.know(f"[127.0.0.1]:{here.server.port} {keygen(tmp_path / 'other')}\n")

    with pytest.raises(Unreachable, match="another key than known_hosts says"):
        here.reads.read(here.settings(), CONTENT)


def test_read__a_key_that_is_not_admitted(here: Here, tmp_path: Path) -> None:
    put(here.remote, CONTENT)
    keygen(tmp_path / "stranger")

    with pytest.raises(TokenRefused, match="the remote 'store' refuses access"):
        here.reads.read(here.settings(keyfile=str(tmp_path / "stranger")), CONTENT)


def test_read__a_lost_object(here: Here) -> None:
    with pytest.raises(ObjectMissing, match="the storage has lost"):
        here.reads.read(here.settings(), CONTENT)


@pytest.mark.parametrize("there", [CONTENT[:-1], CONTENT[::-1]], ids=["cut off", "other bytes"])
def test_read__other_content(here: Here, there: bytes) -> None:
    put(here.remote, CONTENT).write_bytes(there)

    with pytest.raises(ContentMismatch, match="its MD5 is"):
        here.reads.read(here.settings(), CONTENT)
    assert not [path for path in here.reads.folder.rglob("*") if path.name == "model"]


@pytest.mark.parametrize("after", [0, EARLY, 2_000_000], ids=["at once", "early", "later"])
def test_read__goes_on_after_a_cut(here: Here, after: int) -> None:
    put(here.remote, CONTENT)
    with wire(here.server.port) as line:
        here.know(here.server.known(line.port))
        line.faults.append(("cut", after))

        assert here.reads.read(here.settings(port=line.port), CONTENT) == CONTENT

    assert line.connections == 2
    assert here.reads.transferred == len(CONTENT)


def test_read__goes_on_after_silence(here: Here) -> None:
    put(here.remote, CONTENT)
    here.reads.timeout = 0.7
    with wire(here.server.port) as line:
        here.know(here.server.known(line.port))
        line.faults.append(("silent", 2_000_000))

        assert here.reads.read(here.settings(port=line.port), CONTENT) == CONTENT

    assert line.connections == 2


@pytest.mark.parametrize("after", [0, EARLY])
def test_read__silence_ends_at_the_deadline(here: Here, after: int) -> None:
    put(here.remote, CONTENT)
    here.reads.deadline = 0.7
    with wire(here.server.port) as line:
        here.know(here.server.known(line.port))
        line.faults.append(("silent", after))

        with pytest.raises(DeadlinePassed):
            here.reads.read(here.settings(port=line.port), CONTENT)


def test_read__the_next_run_goes_on(here: Here) -> None:
    put(here.remote, CONTENT)
    here.reads.retries = 0
    with wire(here.server.port) as line:
        here.know(here.server.known(line.port))
        line.faults.append(("cut", 2_000_000))
        with pytest.raises(Unreachable, match=r"'model' cannot be fetched: .*\(once\)"):
            here.reads.read(here.settings(port=line.port), CONTENT)

        assert here.reads.read(here.settings(port=line.port), CONTENT) == CONTENT

    assert 0 < here.reads.transferred < 2_000_000


def test_read__nobody_there(here: Here) -> None:
    here.reads.retries = 1

    with pytest.raises(Unreachable, match=r"ConnectionRefusedError.* \(2 times\)"):
        here.reads.read(here.settings(port=1), CONTENT)


def test_read__many_files_over_one_connection(here: Here) -> None:
    contents = [bytes([number]) * 1000 for number in range(40)]
    for content in contents:
        put(here.remote, content)
    filesystems = Filesystems()
    remote = ssh.opened(here.settings(), filesystems)
    connection = remote.connect(10.0)
    found: dict[int, bytes] = {}

    def read(number: int) -> None:
        home = filesystems.find(remote.place(_key(contents[number]), "", NOW).url)
        assert home is not None
        reader = connection.open(home.path, 0)
        found[number] = reader.read(5000)
        reader.close()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.close()

    assert [found[number] for number in range(40)] == contents


def _key(content: bytes) -> str:
    from tests.gitrepo.remotes.reading import key

    return key(content)


def test_opened__a_password_from_outside_goes_to_no_address_of_the_repository() -> None:
    url = Settings.of("store", "ssh://evil.example.com/srv", {}, "repository")
    password = Settings.of("store", "", {"password": "hunter2"}).options

    said = Settings("store", url.url, {**url.options, **password})

    with pytest.raises(BadInput, match="the remote 'store' does not get the password"):
        ssh.opened(said, Filesystems())


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand=touch/srv",
        "ssh://host;touch/srv",
        "ssh://$(touch x)/srv",
        "ssh://-l@host/srv",
        "ssh:///srv",
        "ssh://host:99999/srv",
        "ssh://host:x/srv",
    ],
)
def test_opened__no_address(url: str) -> None:
    with pytest.raises(BadInput, match="the address of the remote 'store' is not valid"):
        ssh.opened(Settings.of("store", url, {}), Filesystems())


def test_opened__a_key_file_that_is_not_there(here: Here) -> None:
    with pytest.raises(BadInput, match="no key file at '/nowhere'"):
        ssh.opened(here.settings(keyfile="/nowhere"), Filesystems())


@pytest.mark.parametrize(("version", "worktree"), [("7", "false"), ("", "true")])
def test_place__by_content_alone(here: Here, version: str, worktree: str) -> None:
    remote = ssh.opened(here.settings(worktree=worktree), Filesystems())

    with pytest.raises(BadInput, match="keeps no versions of files"):
        remote.place("etc/passwd", version, NOW)


@pytest.mark.parametrize(
    "key", ["passwd", "ab/cd", "files/md5/ab/../../../etc/passwd", "AB/" + "0" * 30]
)
def test_place__no_file_by_its_name_where_the_repository_says_where_it_is(
    here: Here, key: str
) -> None:
    committed = ssh.opened(here.settings(said="repository"), Filesystems())
    named = ssh.opened(here.settings(), Filesystems())

    with pytest.raises(BadInput, match="is not read by name"):
        committed.place(key, "", NOW)
    for by_content in ("ab/" + "0" * 30, "files/md5/ab/" + "0" * 30 + ".dir"):
        committed.place(by_content, "", NOW)
    named.place(key, "", NOW)


def test_place__no_secret_is_shown(here: Here) -> None:
    filesystems = Filesystems()
    said = here.settings(password="hunter2", passphrase="open sesame")

    remote = ssh.opened(said, filesystems)
    url = remote.place("ab/cd", "", NOW).url

    assert url == f"ssh://127.0.0.1:{here.server.port}{here.remote}/ab/cd"
    shown = repr((remote, filesystems.find(url), said))
    assert "hunter2" not in shown
    assert "sesame" not in shown
