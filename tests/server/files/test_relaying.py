"""Files of web remotes that need a password: real bytes from a real server, over loopback."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Route

from studio_action.net.network import Network
from studio_action.server import links
from studio_action.server.files.relaying import Relay
from studio_action.server.files.serving import HEADERS, Files
from studio_action.server.links import Grant, InWebRemote, Key
from studio_action.server.middleware.access_log import AccessLog
from studio_action.server.registry.relayed import place_of
from studio_action.server.registry.upstream import BLOCK, Upstream
from tests.download.storage import Reply, Request, Storage
from tests.server.guarded import AUTHORIZATION, OPTIONS, PASSWORD, guarded
from tests.server.lines import NOW, Lines
from tests.server.loopback import served
from tests.server.serving import repository

KEY = Key("k1", b"a secret of the server")
GRANT = Grant("0123456789abcdef", "acme/models")
CONTENT = bytes(range(256)) * 8
ETAG = f'"{hashlib.md5(CONTENT).hexdigest()}"'


class Relayed:
    """A server, and the storage behind it."""

    def __init__(self, base: str, storage: Storage, lines: Lines) -> None:
        self.base, self.storage, self.lines = base, storage, lines

    def link(self, path: str = "a", remote: str = "web") -> str:
        return links.sign(self.base, InWebRemote("acme/models", remote, path), GRANT, KEY, NOW)

    def get(self, path: str = "a", method: str = "GET", **headers: str) -> requests.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, self.link(path), headers=sent, timeout=10)

    def answer(self, script: Callable[[Request], Reply | None]) -> None:
        """Let the storage answer so, whoever asks."""
        self.storage.scripts.insert(0, script)


@pytest.fixture
def relay() -> Iterator[Relayed]:
    lines = Lines()
    with guarded({"r/a": CONTENT}) as storage:
        asked = repository(
            "https://git.example.org/acme/models.git",
            remotes={"web": {"url": f"{storage.url}/r", **OPTIONS}},
        )
        upstream = Upstream(Network(), silence=0.5)
        sends = Relay(
            lambda method, file, headers: upstream.request(method, place_of(asked, file), headers),
            lines.log,
        )

        def nothing(file: object) -> None:
            raise AssertionError(file)

        secrets = {KEY.id: KEY.secret}
        files = Files(secrets.get, lambda grant: True, nothing, lambda: NOW, sends)  # type: ignore[arg-type]
        app = AccessLog(
            Starlette(routes=[Route("/files/{path:path}", files)]),
            lines.log,
            time.monotonic,
            os.urandom,
        )
        with served(app) as base:
            yield Relayed(base, storage, lines)
        assert PASSWORD not in lines.text
        assert AUTHORIZATION not in lines.text
        assert "Signature" not in lines.text


def test_get__the_whole_file(relay: Relayed) -> None:
    answer = relay.get()

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["etag"] == ETAG
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 17])
def test_get__files_around_the_size_of_a_block(relay: Relayed, size: int) -> None:
    content = relay.storage.objects["r/a"] = os.urandom(size)

    assert relay.get().content == content


def test_get__a_part(relay: Relayed) -> None:
    answer = relay.get(range="bytes=100-299", if_range=ETAG)

    assert (answer.status_code, answer.content) == (206, CONTENT[100:300])
    assert answer.headers["content-range"] == f"bytes 100-299/{len(CONTENT)}"


def test_get__the_rest_of_a_file_that_was_changed_is_all_of_it(relay: Relayed) -> None:
    answer = relay.get(range="bytes=100-299", if_range='"another"')

    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_get__a_part_beyond_the_end(relay: Relayed) -> None:
    answer = relay.get(range=f"bytes={len(CONTENT)}-{len(CONTENT) + 9}")

    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


def test_get__what_was_not_changed(relay: Relayed) -> None:
    relay.answer(
        lambda request: (
            Reply(304, headers={"ETag": ETAG}, length=None)
            if request.headers.get("if-none-match") == ETAG
            else None
        )
    )

    answer = relay.get(if_none_match=ETAG)

    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)


def test_head__tells_all_but_the_bytes(relay: Relayed) -> None:
    got, told = relay.get(), relay.get(method="HEAD", range="bytes=0-1")

    assert (told.status_code, told.content) == (200, b"")
    names = (*HEADERS, "content-length", "etag")
    assert [told.headers[name] for name in names] == [got.headers[name] for name in names]
    assert relay.storage.requests[-1].method == "HEAD"


def test_get__several_parts_are_not_asked_for(relay: Relayed) -> None:
    assert relay.get(range="bytes=0-1,5-6").content == CONTENT
    assert "range" not in relay.storage.requests[-1].headers


def test_get__what_else_is_said_goes_neither_way(relay: Relayed) -> None:
    said = {"Set-Cookie": "a=b", "Content-Type": "text/html", "X-Internal": "yes"}
    relay.answer(lambda request: Reply(200, b"<script>", said))

    answer = relay.get(authorization="token isat_x", cookie="c=d", x_forwarded_for="1.2.3.4")

    assert not {"set-cookie", "x-internal"} & set(answer.headers)
    assert answer.headers["content-type"] == "application/octet-stream"
    (request,) = relay.storage.requests
    assert request.headers["authorization"] == AUTHORIZATION
    assert not {"cookie", "x-forwarded-for"} & set(request.headers)


@pytest.mark.parametrize(
    "etag", ['"a"\r\n X-Evil: 1', "a", '"a" "b"'], ids=["two lines", "no quotes", "two"]
)
def test_get__what_is_no_header_of_that_name(relay: Relayed, etag: str) -> None:
    relay.answer(lambda request: Reply(200, b"weights", {"ETag": etag}))

    answer = relay.get()

    assert answer.content == b"weights"
    assert not {"etag", "x-evil"} & set(answer.headers)


def test_get__in_chunks(relay: Relayed) -> None:
    body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    relay.answer(lambda request: Reply(200, body, {"Transfer-Encoding": "chunked"}, length=None))

    answer = relay.get()

    assert (answer.content, "content-length" in answer.headers) == (b"abcde", False)


PART = {"Content-Range": "bytes 0-1/9"}


@pytest.mark.parametrize(
    ("reply", "status", "detail"),
    [
        (Reply(401), 502, "The remote refused the server's own password."),
        (Reply(403), 502, "The remote refused the server's own password."),
        (Reply(404), 404, "The file is missing"),
        (Reply(410), 404, "The file is missing"),
        (Reply(400), 502, "The remote answered HTTP 400."),
        (Reply(405), 502, "The remote answered HTTP 405."),
        (Reply(416), 502, "The remote answered HTTP 416."),
        (Reply(304, length=None), 502, "The remote answered HTTP 304."),
        (Reply(302), 502, "The remote answered HTTP 302."),
        (Reply(204, length=None), 502, "The remote answered HTTP 204."),
        (Reply(429), 503, "The remote is busy"),
        (Reply(500), 502, "The remote answered HTTP 500."),
        (Reply(503), 503, "The remote is busy"),
        (Reply(206, b"ab", PART), 502, "The remote sends a part that was not requested."),
        (
            Reply(200, b"ab", {"Content-Encoding": "gzip"}),
            502,
            "The remote sends the file with a content encoding.",
        ),
        (Reply(200, b"ab", length=None), 502, "The remote does not say how long the file is."),
        (Reply(302, headers={"Location": "http://localhost/"}), 503, "a remote redirects to"),
        (Reply(hang=True), 503, "a remote cannot be reached: no answer within the timeout"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else None,
)
def test_get__what_is_not_passed_on(relay: Relayed, reply: Reply, status: int, detail: str) -> None:
    relay.answer(lambda request: reply)

    answer = relay.get()

    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert ("retry-after" in answer.headers) == (status == 503)
    warned = [line["remote"] for line in relay.lines.all if line["level"] == "warning"]
    assert warned == ([] if status == 404 else ["web"])


def test_get__a_remote_that_was_taken_away(relay: Relayed) -> None:
    answer = requests.get(relay.link(remote="gone"), timeout=10)

    assert answer.status_code == 404
    assert not relay.storage.requests


def test_get__a_link_that_was_changed(relay: Relayed) -> None:
    answer = requests.get(relay.link("a").replace("/a?", "/b?"), timeout=10)

    assert answer.status_code == 403
    assert not relay.storage.requests


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, bytes(3 * BLOCK), cut=2 * BLOCK),
        Reply(200, bytes(3 * BLOCK), cut=2 * BLOCK, reset=True),
        Reply(200, bytes(3 * BLOCK), cut=2 * BLOCK, hang=True),
        Reply(200, b"5\r\nabcde\r\n5\r\nab", {"Transfer-Encoding": "chunked"}, length=None),
    ],
    ids=["cut", "reset", "silent", "in chunks"],
)
def test_get__an_answer_that_breaks_off_breaks_off_here(relay: Relayed, reply: Reply) -> None:
    relay.answer(lambda request: reply)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        relay.get()

    relay.lines.wait_for("request")
    (line,) = (line for line in relay.lines.all if line["message"] == "request")
    assert line["complete"] is False


def test_get__many_at_once(relay: Relayed) -> None:
    content = relay.storage.objects["r/a"] = os.urandom(9 * BLOCK)
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(relay.get().content == content))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 16


def test_get__a_client_that_goes_away_ends_it_there(relay: Relayed) -> None:
    size = 64 << 20
    relay.storage.objects["r/a"] = bytes(size)
    address = urlsplit(relay.link())
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(1 << 16)

    assert until(lambda: relay.storage.abandoned == 1)
    assert relay.storage.sent < size // 2  # what nobody takes is not fetched either


def test_get__a_client_that_goes_away_while_nothing_comes(relay: Relayed) -> None:
    relay.answer(lambda request: Reply(200, bytes(1 << 20), cut=1, hang=True))
    address = urlsplit(relay.link())
    began = time.monotonic()
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(1 << 16)

    relay.lines.wait_for("request")
    assert time.monotonic() - began < 10


def until(true: Callable[[], bool]) -> bool:
    """Whether it becomes true, within ten seconds of questions."""
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        os.sched_yield()
    return true()
