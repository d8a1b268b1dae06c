from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme

from studio_action.download.transfer import Transfer
from studio_action.errors import (
    BadInput,
    ContentMismatch,
    ObjectMissing,
    StudioActionError,
    Unreachable,
)
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.webdav import WebDavRemote
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Limits
from studio_action.net.network import Network
from tests.download.conftest import Heard
from tests.gitrepo.remotes.reading import NOW, digest, key, put
from tests.servers.webdav import WebDav, webdav
from tests.servers.wire import wire

CONTENT = random.Random(9).randbytes(20_000_000)


def place(url: str, **options: str) -> tuple[str, tuple[str, ...]]:
    found = WebDavRemote(Settings.of("store", url, options)).place("ab/c d", "", NOW)
    return found.url, found.headers


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("webdav://h/dav", "http://h/dav/ab/c%20d"),
        ("webdavs://h:8443/dav/", "https://h:8443/dav/ab/c%20d"),
        ("webdavs://ada@h", "https://h/ab/c%20d"),
        ("webdavs://h/files/a b/é%20ü", "https://h/files/a%20b/%C3%A9%20%C3%BC/ab/c%20d"),
    ],
)
def test_place__as_dvc_finds_it(url: str, asked: str) -> None:
    assert place(url, token="t")[0] == asked


@pytest.mark.parametrize(
    ("url", "options", "headers"),
    [
        ("webdavs://h", {}, ()),
        ("webdavs://h", {"token": "t", "user": "a", "password": "p"}, ("Authorization: Bearer t",)),
        ("webdavs://h", {"user": "a", "password": "p"}, ("Authorization: Basic YTpw",)),
        ("webdavs://a@h", {"password": "p"}, ("Authorization: Basic YTpw",)),
        ("webdavs://a:p@h", {}, ("Authorization: Basic YTpw",)),
        ("webdavs://h", {"custom_auth_header": "X-T", "password": "p"}, ("X-T: p",)),
    ],
)
def test_place__whoever_dvc_would_be(
    url: str, options: dict[str, str], headers: tuple[str, ...]
) -> None:
    assert place(url, **options)[1] == headers


@pytest.mark.parametrize(
    ("url", "options", "why"),
    [
        ("webdavs://h", {"user": "a"}, "needs the password of its user"),
        ("webdavs://h", {"cert_path": "/c"}, "has cert_path, which cannot be used here"),
        ("webdavs://h", {"bearer_token_command": "x"}, "has bearer_token_command, which"),
        ("webdavs://h/?x=1", {}, "has more than a path"),
        ("webdavs:///x", {}, "the address of the remote 'store' is not valid"),
        ("webdavs://h", {"token": "t\nHost: x"}, "are not a valid header line"),
    ],
)
def test_place__not_like_that(url: str, options: dict[str, str], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        place(url, **options)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDav]:
    folder = tmp_path_factory.mktemp("webdavs")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "cert.pem")
    )
    with webdav(folder / "server", certificate=folder / "cert.pem") as running:
        yield running


@pytest.fixture
def network(authority: trustme.CA, tmp_path: Path) -> Network:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return Network(tmp_path / "ca.pem")


def read(server: WebDav, folder: Path, network: Network, port: int = 0, **options: str) -> bytes:
    """What one run of the engine brings from the remote `a b` of the server."""
    login = {"user": server.user, "password": server.password, **options}
    settings = Settings.of("store", server.url("/a b", port), login)
    found = WebDavRemote(settings).place(key(CONTENT), "", NOW)
    file = RemoteFile("model", found.url, digest=digest(CONTENT), headers=found.headers)
    limits = Limits(timeout=10.0, retries=2, random=lambda: 0.0)
    with Transfer(folder / "partial", limits=limits, network=network, verify="auto") as transfer:
        (fetched,) = transfer.fetch([file], renew=_same(file), progress=Heard())
        return fetched.partial.read_bytes()


def _same(file: RemoteFile):  # type: ignore[no-untyped-def]
    def renew() -> Mapping[str, str]:
        return {file.path: file.url}

    return renew


@pytest.mark.servers
def test_read__from_a_real_server(server: WebDav, network: Network, tmp_path: Path) -> None:
    put(server.folder / "a b", CONTENT)

    assert read(server, tmp_path, network) == CONTENT


@pytest.mark.servers
def test_read__goes_on_after_a_cut(server: WebDav, network: Network, tmp_path: Path) -> None:
    put(server.folder / "a b", CONTENT)
    with wire(server.port) as line:
        line.faults.extend([("cut", 3_000_000)] * 2)

        assert read(server, tmp_path, network, line.port) == CONTENT

    assert line.connections > 2


@pytest.mark.servers
@pytest.mark.parametrize(
    ("wrong", "failure"),
    [
        ("password", Unreachable),
        ("missing", ObjectMissing),
        ("bytes", ContentMismatch),
        ("truncated", ContentMismatch),
        ("certificate", Unreachable),
    ],
)
def test_read__what_is_wrong(
    server: WebDav,
    network: Network,
    tmp_path: Path,
    wrong: str,
    failure: type[StudioActionError],
) -> None:
    place = put(server.folder / "a b", CONTENT)
    options = {"password": "wrong"} if wrong == "password" else {}
    if wrong == "missing":
        place.unlink()
    elif wrong == "bytes":
        place.write_bytes(CONTENT[::-1])
    elif wrong == "truncated":
        place.write_bytes(CONTENT[:-1])

    with pytest.raises(failure):
        read(server, tmp_path, Network() if wrong == "certificate" else network, **options)
