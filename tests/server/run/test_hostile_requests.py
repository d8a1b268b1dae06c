"""Bytes in which a proxy and the server could see different requests, and what is too large."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.run.raw import HONEST, connected, exchanged, statuses, until_closed
from tests.server.running import Running, started

CHUNKED = b"Transfer-Encoding: chunked"
SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: models\r\n\r\n"
"""A request that must not be answered: it is the body of another one, or comes after a refusal."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("server")) as running:
        yield running


def request(
    *fields: bytes,
    body: bytes = b"",
    target: bytes = b"/healthz",
    method: bytes = b"GET",
    version: bytes = b"HTTP/1.1",
) -> bytes:
    head = [b" ".join([method, target, version]), b"Host: models", *fields, b"", b""]
    return b"\r\n".join(head) + body


def post(*fields: bytes, body: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return request(*fields, body=body, target=b"/api/webhook", method=b"POST", version=version)


AMBIGUOUS = {
    "two lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"12345"),
    "the same length twice": post(b"Content-Length: 5", b"Content-Length: 5", body=b"12345"),
    "a list of lengths": post(b"Content-Length: 5, 5", body=b"12345"),
    "a length with a sign": post(b"Content-Length: +5", body=b"12345"),
    "a negative length": post(b"Content-Length: -1"),
    "a hexadecimal length": post(b"Content-Length: 0x5", body=b"12345"),
    "an empty length": post(b"Content-Length: "),
    "a length beyond any": post(b"Content-Length: 99999999999999999999999"),
    "a length, then chunks": post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
    "chunks, then a length": post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity"),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunked is not last": post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "another coding first": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked twice": post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "chunked and another field": post(CHUNKED, b"Transfer-Encoding: cow", body=b"0\r\n\r\n"),
    "a control character before chunked": post(
        b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"
    ),
    "a space before the colon": post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "chunks in HTTP/1.0": post(CHUNKED, body=b"0\r\n\r\n", version=b"HTTP/1.0"),
    "a chunk's size with a prefix": post(CHUNKED, body=b"0x5\r\n12345\r\n0\r\n\r\n"),
    "a chunk's size beyond any": post(CHUNKED, body=b"fffffffffffffffff\r\n"),
    "chunks with bare line feeds": post(CHUNKED, body=b"5\n12345\n0\n\n"),
    "a line feed in a chunk's extension": post(CHUNKED, body=b"5;a\nb\r\n12345\r\n0\r\n\r\n"),
    "a chunk longer than its size": post(CHUNKED, body=b"5\r\n12345X0\r\n\r\n"),
    "a field after the body": post(CHUNKED, body=b"0\r\nAuthorization: token x\r\n\r\n"),
    "a folded field": request(b"X-A: b\r\n c"),
    "a folded first field": b"GET /healthz HTTP/1.1\r\n Host: models\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: models\n\n",
    "a bare line feed after a field": request(b"X-A: b\nX-C: d"),
    "a bare line feed after the first line": b"GET /healthz HTTP/1.1\nHost: models\r\n\r\n",
    "a bare carriage return": request(b"X-A: b\rX-C: d"),
    "NUL in a field": request(b"X-A: b\0c"),
    "a control character in a field": request(b"X-A: b\x01c"),
    "NUL in a field's name": request(b"X\0A: b"),
    "a space in a field's name": request(b"X A: b"),
    "a field without a name": request(b": b"),
    "a field without a colon": request(b"X-A"),
    "a field's name that is not ASCII": request("X-é: b".encode()),
    "NUL in the target": request(target=b"/healthz\0"),
    "a space in the target": request(target=b"/heal thz"),
    "another scheme and host": request(target=b"http://evil.example/healthz"),
    "its own host in the target": request(target=b"http://models/healthz"),
    "two slashes and a host": request(target=b"//evil.example/healthz"),
    "a fragment": request(target=b"/healthz#x"),
    "an asterisk": request(target=b"*", method=b"OPTIONS"),
    "a tunnel": request(target=b"models:443", method=b"CONNECT"),
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": request(b"Host: other"),
    "tabs in the first line": b"GET\t/healthz\tHTTP/1.1\r\nHost: models\r\n\r\n",
    "HTTP/1.2": request(version=b"HTTP/1.2"),
    "the beginning of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the beginning of TLS": bytes.fromhex("160301020001000001fc0303"),
    "a method in small letters": request(method=b"get"),
    "a bad body that was to be asked for": post(b"Expect: 100-continue", CHUNKED, body=b"5;\0\r\n"),
    "an unknown method": request(method=b"SMUGGLE"),
}


@pytest.mark.parametrize("sent", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_refused__what_can_be_read_in_two_ways(server: Running, sent: bytes) -> None:
    assert exchanged(server, sent + SMUGGLED) == [400]


TOO_LARGE = {
    "a field of 64 KiB": (request(b"X-A: " + b"a" * 65536), 431),
    "a field of 1 MiB": (request(b"X-A: " + b"a" * 1048576), 431),
    "fields of 64 KiB": (request(*[b"X-A: " + b"a" * 1018] * 64), 431),
    "a thousand fields": (request(*[b"X-A: b"] * 1000), 431),
    "a path of 16 KiB": (request(target=b"/" + b"a" * 16384), 414),
    "a path of 1 MiB": (request(target=b"/" + b"a" * 1048576), 414),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", 505),
    "HTTP/2.0 in HTTP/1.1's form": (request(version=b"HTTP/2.0"), 505),
}


@pytest.mark.parametrize(("sent", "status"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_refused__what_is_too_large(server: Running, sent: bytes, status: int) -> None:
    assert exchanged(server, sent + SMUGGLED) == [status]


ANSWERED_AND_CLOSED = {
    "HTTP/1.0": (request(version=b"HTTP/1.0"), 200),
    "HTTP/1.0 that would stay": (request(b"Connection: keep-alive", version=b"HTTP/1.0"), 200),
    "another protocol": (request(b"Connection: Upgrade", b"Upgrade: h2c"), 200),
    "a web socket": (request(b"Connection: Upgrade", b"Upgrade: websocket"), 200),
    "a body that nobody waits for": (
        post(b"Expect: 100-continue", b"Content-Length: 1000000000"),
        413,
    ),
    "a body that does not come": (request(b"Content-Length: 1000"), 200),
}


@pytest.mark.parametrize(("sent", "status"), ANSWERED_AND_CLOSED.values(), ids=ANSWERED_AND_CLOSED)
def test_answered__nothing_after_it_is(server: Running, sent: bytes, status: int) -> None:
    assert exchanged(server, sent + SMUGGLED) == [status]


IN_ORDER = {
    "requests one after another": request(target=b"/no") + HONEST,
    "with a body": request(b"Content-Length: 5", body=b"12345", target=b"/no") + HONEST,
    "with chunks": request(CHUNKED, body=b"5\r\n12345\r\n0\r\n\r\n", target=b"/no") + HONEST,
    "a request in a body": request(
        b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED, target=b"/no"
    )
    + HONEST,
    "a method in a field": request(b"X-HTTP-Method-Override: DELETE", target=b"/no") + HONEST,
}


@pytest.mark.parametrize("sent", IN_ORDER.values(), ids=IN_ORDER)
def test_answered__one_response_to_each_request(server: Running, sent: bytes) -> None:
    received = b""
    with connected(server) as client:
        client.sendall(sent)
        while not received.endswith(b'"checks":{}}'):
            received += client.recv(1 << 16)

    assert statuses(received) == [404, 200]


def test_refused__nothing_is_written_into_a_response_that_is_still_to_come(server: Running) -> None:
    assert exchanged(server, HONEST + request(b"Host: other") + SMUGGLED) == [200]


def test_refused__too_many_requests_before_the_first_response(server: Running) -> None:
    assert set(exchanged(server, HONEST * 1000)) == {200}


def test_answered__while_a_body_that_is_too_large_still_comes(server: Running) -> None:
    body = bytes(8 << 20)
    with connected(server) as client:
        client.sendall(post(b"Content-Length: %d" % len(body), body=body))

        assert statuses(until_closed(client)) == [413]


def test_server__is_as_well_as_before(server: Running) -> None:
    with connected(server) as client:
        client.sendall(HONEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        assert statuses(client.recv(1 << 16)) == [200]

    server.process.terminate()
    assert server.end() == 0
    assert not server.other
    assert not [line for line in server.lines if line["level"] == "error"]
