from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio_action.download.filesystems import Filesystems
from studio_action.errors import (
    BadInput,
    ContentMismatch,
    ObjectMissing,
    TokenRefused,
    Unreachable,
)
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes import hdfs
from studio_action.net.network import Network
from tests.gitrepo.remotes.reading import Reads, put
from tests.servers.webhdfs import Hadoop, basic, webhdfs

CONTENT = random.Random(9).randbytes(2_000_000)


@pytest.fixture
def hadoop(tmp_path: Path) -> Iterator[Hadoop]:
    put(tmp_path / "cluster" / "a b" / "é", CONTENT)
    with webhdfs(tmp_path / "cluster") as running:
        yield running


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    folder = tmp_path / "run"
    folder.mkdir()
    return Reads(lambda settings, known: hdfs.opened_web(settings, Network(), known), folder)


def settings(hadoop: Hadoop, path: str = "/a b/é", **options: str) -> Settings:
    return Settings.of("store", f"webhdfs://127.0.0.1:{hadoop.port}{path}", options)


def test_read__verified(hadoop: Hadoop, reads: Reads) -> None:
    assert reads.read(settings(hadoop), CONTENT) == CONTENT
    assert {node for node, _, _ in hadoop.requests} == {"name", "data"}
    assert not any("user.name" in query for _, query, _ in hadoop.requests)


def test_read__as_a_user(hadoop: Hadoop, reads: Reads) -> None:
    hadoop.admits = lambda query, _: query.get("user.name") == "ada"

    assert reads.read(settings(hadoop, user="ada", proxy_to=""), CONTENT) == CONTENT


def test_read__as_somebody_else(hadoop: Hadoop, reads: Reads) -> None:
    hadoop.admits = lambda query, _: query.get("doas") == "team"

    assert reads.read(settings(hadoop, user="ada", proxy_to="team"), CONTENT) == CONTENT


def test_read__with_a_token(hadoop: Hadoop, reads: Reads) -> None:
    hadoop.admits = lambda query, _: query.get("delegation") == "t0ken"

    assert reads.read(settings(hadoop, token="t0ken"), CONTENT) == CONTENT


def test_read__a_password_goes_to_the_name_node_alone(hadoop: Hadoop, reads: Reads) -> None:
    hadoop.admits = lambda _, authorization: authorization == basic("ada", "open sesame")

    said = settings(hadoop, user="ada", password="open sesame")

    assert reads.read(said, CONTENT) == CONTENT
    assert {(node, bool(sent)) for node, _, sent in hadoop.requests} == {
        ("name", True),
        ("data", False),
    }


def test_read__refused(hadoop: Hadoop, reads: Reads) -> None:
    hadoop.admits = lambda query, authorization: False

    with pytest.raises(TokenRefused, match="the remote 'store' refuses access") as refused:
        reads.read(settings(hadoop, token="t0ken"), CONTENT)
    assert "t0ken" not in str(refused.value)


def test_read__a_lost_object(hadoop: Hadoop, reads: Reads) -> None:
    with pytest.raises(ObjectMissing):
        reads.read(settings(hadoop, "/elsewhere"), CONTENT)


def test_read__other_content(hadoop: Hadoop, reads: Reads) -> None:
    put(hadoop.folder / "a b" / "é", CONTENT).write_bytes(CONTENT[1:])

    with pytest.raises(ContentMismatch):
        reads.read(settings(hadoop), CONTENT)


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_read__an_error_of_a_data_node_is_no_content(
    hadoop: Hadoop, reads: Reads, status: int
) -> None:
    hadoop.faults.extend([lambda: 200, lambda: status])

    assert reads.read(settings(hadoop), CONTENT) == CONTENT
    offsets = [int(query["offset"]) for node, query, _ in hadoop.requests if node == "data"]
    assert 0 < offsets[2] <= offsets[1]


def test_read__gives_up(hadoop: Hadoop, reads: Reads) -> None:
    hadoop.faults.extend([lambda: 500] * 3)

    with pytest.raises(Unreachable, match=r"cannot be fetched: HTTPError \(3 times\)"):
        reads.read(settings(hadoop, token="t0ken"), CONTENT)


def test_read__silence(hadoop: Hadoop, reads: Reads) -> None:
    reads.timeout = 0.5
    silent = threading.Event()
    hadoop.faults.append(lambda: 200 if silent.wait(30) else 500)
    try:
        assert reads.read(settings(hadoop), CONTENT) == CONTENT
    finally:
        silent.set()


def test_read__through_a_proxy_and_by_nobodys_environment(
    hadoop: Hadoop, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    nowhere = {"http": "http://127.0.0.1:1"}
    reads.retries = 0

    assert reads.read(settings(hadoop), CONTENT) == CONTENT
    reads.opened = lambda said, known: hdfs.opened_web(said, Network(proxies=nowhere), known)
    with pytest.raises(Unreachable, match="ProxyError"):
        reads.read(settings(hadoop), CONTENT)
    around = Network(proxies={**nowhere, "no": "127.0.0.1"})
    reads.opened = lambda said, known: hdfs.opened_web(said, around, known)
    assert reads.read(settings(hadoop), CONTENT) == CONTENT


@pytest.mark.parametrize("option", ["token", "password"])
def test_opened_web__no_secret_to_an_address_of_the_repository(option: str) -> None:
    committed = Settings.of("store", "webhdfs://ada@evil.example.com/srv", {}, "repository")
    outside = Settings.of("", "", {option: "hunter2"}).options
    said = Settings("store", committed.url, outside)

    with pytest.raises(BadInput, match=f"{option}.*'store'|'store'.*{option}"):
        hdfs.opened_web(said, Network(), Filesystems())


def test_opened__who_this_machine_is_to_hadoop_goes_to_no_address_of_the_repository() -> None:
    with pytest.raises(BadInput, match="Hadoop"):
        hdfs.opened(Settings.of("store", "hdfs://name/srv", {}, "repository"), Filesystems())


@pytest.mark.parametrize(
    ("url", "options", "told"),
    [
        ("hdfs://name/srv", {}, ("name", 0, "", "")),
        ("hdfs://ada@name:8020/srv", {}, ("name", 8020, "ada", "")),
        ("hdfs://ada@name:8020/srv", {"user": "eve"}, ("name", 8020, "eve", "")),
        ("hdfs://name", {"kerb_ticket": "/tmp/t"}, ("name", 0, "", "/tmp/t")),
    ],
)
def test_opened__as_pyarrow_is_told(
    url: str, options: dict[str, str], told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdfs, "find_spec", lambda name: True)

    remote = hdfs.opened(Settings.of("store", url, options), Filesystems())

    connect: Any = remote.connect
    where = connect.location
    assert (where.host, where.port, where.user, connect.ticket) == told
    assert remote.folder == (where.path or "/")


def test_opened__pyarrow_is_not_here() -> None:
    pytest.importorskip("fsspec")
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(BadInput, match=r"Install studio-action\[hdfs\]"):
            hdfs.opened(Settings.of("store", "hdfs://name/srv", {}), Filesystems())
