from __future__ import annotations

import gzip
import socket
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import responses
from responses import matchers

from studio_action.errors import DeadlinePassed, UnexpectedAnswer, Unreachable
from studio_action.net.clock import Deadline, Limits
from studio_action.net.http_client import (
    LARGEST_ANSWER,
    LARGEST_ERROR,
    Method,
    Peer,
    redirect_target,
)
from studio_action.net.network import Network
from studio_action.studio.session import StudioSession
from tests.fakes import Time
from tests.reference import Answer, ReferenceServer

BASE = "https://studio.example.org/team/"
ENDPOINT = "api/model-registry/get-download-uris"
URL = BASE + ENDPOINT
STUDIO = Peer("Studio", BASE, "studio-url")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def session(time: Time, log: list[str]) -> Iterator[StudioSession]:
    made = make_session(time, log)
    yield made
    made.close()


def make_session(
    time: Time,
    log: list[str],
    *,
    base: str = BASE,
    network: Network | None = None,
    seconds: float | None = None,
) -> StudioSession:
    limits = Limits(5.0, 3, Deadline(seconds, time.clock), lambda: 0.0)
    return StudioSession(base, lambda: "isat_secret", network or Network(), limits, log.append)


@responses.activate
def test_get__sends_the_token_and_the_query(session: StudioSession) -> None:
    responses.get(
        URL,
        json={"a": "b"},
        match=[
            matchers.header_matcher(
                {"Authorization": "token isat_secret", "Accept": "application/json"}
            ),
            matchers.query_param_matcher({"repo": "a/b", "name": "x:y"}),
        ],
    )
    answer = session.get(ENDPOINT, {"repo": "a/b", "name": "x:y"})
    assert (answer.status, answer.document, answer.url) == (200, {"a": "b"}, URL)


@pytest.mark.parametrize(
    ("headers", "extended"),
    [({}, False), ({"studio-action": "1"}, True), ({"Studio-Action": ""}, False)],
)
@responses.activate
def test_get__whether_the_server_is_one_that_tells(
    headers: dict[str, str], extended: bool, session: StudioSession
) -> None:
    responses.get(URL, status=404, headers=headers)
    assert session.get(ENDPOINT, {}).extended is extended


@responses.activate
def test_get__a_netrc_does_not_take_the_place_of_the_token(
    session: StudioSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine studio.example.org login x password y\n")
    monkeypatch.setenv("NETRC", str(netrc))
    responses.get(
        URL, json={}, match=[matchers.header_matcher({"Authorization": "token isat_secret"})]
    )
    assert session.get(ENDPOINT, {}).status == 200


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
@responses.activate
def test_get__tries_again(status: int, session: StudioSession, time: Time, log: list[str]) -> None:
    responses.get(URL, status=status)
    responses.get(URL, json={})
    assert session.get(ENDPOINT, {}).status == 200
    assert time.waits == [0.25]
    assert log == [f"Studio answered {status}; trying again in 250 ms (1 of 3)"]


@responses.activate
def test_get__waits_longer_each_time_and_gives_the_last_answer(
    session: StudioSession, time: Time
) -> None:
    responses.get(URL, status=503, json={"detail": "down"})
    assert session.get(ENDPOINT, {}).status == 503
    assert time.waits == [0.25, 0.5, 1.0]


@responses.activate
def test_get__honours_retry_after(session: StudioSession, time: Time) -> None:
    responses.get(URL, status=429, headers={"Retry-After": "7"})
    responses.get(URL, json={})
    session.get(ENDPOINT, {})
    assert time.waits == [7.0]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410])
@responses.activate
def test_get__asks_once_where_the_answer_is_final(
    status: int, session: StudioSession, time: Time
) -> None:
    responses.get(URL, status=status)
    assert session.get(ENDPOINT, {}).status == status
    assert len(responses.calls) == 1


@responses.activate
def test_get__unreachable_does_not_show_the_query(session: StudioSession, time: Time) -> None:
    responses.get(URL, body=requests.ConnectionError(f"{URL}?repo=https://user:pw@host/x"))
    with pytest.raises(Unreachable, match=r"4 attempts") as caught:
        session.get(ENDPOINT, {"repo": "x"})
    assert "pw" not in str(caught.value)


@responses.activate
def test_get__timeout_in_words(session: StudioSession) -> None:
    responses.get(URL, body=requests.ReadTimeout("x"))
    with pytest.raises(Unreachable, match="no answer within the timeout"):
        session.get(ENDPOINT, {})


@responses.activate
def test_get__the_deadline_ends_the_waiting(time: Time, log: list[str]) -> None:
    session = make_session(time, log, seconds=5)
    responses.get(URL, status=429, headers={"Retry-After": "60"})
    with pytest.raises(DeadlinePassed, match="5 seconds"):
        session.get(ENDPOINT, {})
    assert time.waits == [5.0]
    session.close()


@responses.activate
def test_get__follows_a_redirect_on_the_same_host(session: StudioSession) -> None:
    responses.get(URL, status=301, headers={"Location": f"{URL}/?repo=x"})
    responses.get(f"{URL}/", json={"a": "b"}, match=[matchers.query_param_matcher({"repo": "x"})])
    assert session.get(ENDPOINT, {"repo": "x"}).document == {"a": "b"}


@responses.activate
def test_get__never_takes_the_token_to_another_host(session: StudioSession) -> None:
    responses.get(URL, status=302, headers={"Location": "https://login.example.com/?next=secret"})
    with pytest.raises(UnexpectedAnswer, match=r"login\.example\.com") as caught:
        session.get(ENDPOINT, {})
    assert len(responses.calls) == 1
    assert "next" not in str(caught.value)


@responses.activate
def test_get__redirects_without_end(session: StudioSession) -> None:
    responses.get(URL, status=302, headers={"Location": URL})
    with pytest.raises(UnexpectedAnswer, match="more than 5 times"):
        session.get(ENDPOINT, {})


@responses.activate
def test_get__an_endless_answer(session: StudioSession) -> None:
    responses.get(URL, body=b"x" * (LARGEST_ANSWER + 1))
    with pytest.raises(UnexpectedAnswer, match="64 MiB"):
        session.get(ENDPOINT, {})


@responses.activate
def test_get__an_error_without_an_end_is_read_so_far(session: StudioSession) -> None:
    page = b"<title>Not found</title>" + b"x" * (LARGEST_ANSWER + 1)
    responses.get(URL, status=404, body=page)

    found = session.get(ENDPOINT, {})

    assert found.status == 404
    assert LARGEST_ERROR < len(found.body) < 2 * LARGEST_ERROR


def test_get__an_answer_that_unfolds_without_an_end(
    studio: ReferenceServer, time: Time, log: list[str]
) -> None:
    """Half a megabyte on the wire, half a gigabyte in memory."""
    packed = gzip.compress(bytes(8 * LARGEST_ANSWER))
    studio.api_script.append(Answer(200, packed, {"Content-Encoding": "gzip"}))
    session = make_session(time, log, base=studio.url + "/")
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedAnswer, match="64 MiB"):
            session.get(ENDPOINT, {})
        assert tracemalloc.get_traced_memory()[1] < 3 * LARGEST_ANSWER
    finally:
        tracemalloc.stop()
        session.close()


REDIRECTS = [
    pytest.param("GET", 302, "/other/", "https://studio.example.org/other/", id="path"),
    pytest.param("POST", 308, "/other/", "https://studio.example.org/other/", id="POST kept"),
    pytest.param("POST", 301, "/other/", None, id="POST lost"),
    pytest.param("GET", 302, "https://studio.example.com/x", None, id="host"),
    pytest.param("GET", 302, "https://studio.example.org:8443/x", None, id="port"),
    pytest.param("GET", 302, "http://studio.example.org/x", None, id="downgrade"),
    pytest.param("GET", 302, "file:///etc/passwd", None, id="file"),
]


@pytest.mark.parametrize(("method", "status", "location", "expected"), REDIRECTS)
def test_onward(method: Method, status: int, location: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(UnexpectedAnswer):
            redirect_target(STUDIO, method, status, URL, location)
    else:
        assert redirect_target(STUDIO, method, status, URL, location) == expected


def test_onward__http_to_https_of_the_same_host() -> None:
    assert (
        redirect_target(STUDIO, "GET", 301, "http://studio/x", "https://studio/x")
        == "https://studio/x"
    )


@pytest.mark.parametrize(
    ("status", "headers", "calls"),
    [
        pytest.param(429, {}, 4, id="429"),
        pytest.param(503, {"Retry-After": "1"}, 4, id="503 with Retry-After"),
        pytest.param(503, {}, 1, id="503"),
        pytest.param(500, {}, 1, id="500"),
        pytest.param(502, {"Retry-After": "1"}, 1, id="502 with Retry-After"),
    ],
)
@responses.activate
def test_post__tries_again_only_where_nothing_was_done(
    status: int, headers: dict[str, str], calls: int, session: StudioSession
) -> None:
    responses.post(URL, status=status, headers=headers)
    assert session.post(ENDPOINT, {"repo_url": "x"}).status == status
    assert len(responses.calls) == calls


@responses.activate
def test_post__a_broken_connection_may_have_done_it(session: StudioSession) -> None:
    responses.post(URL, body=requests.ConnectionError("reset"))
    with pytest.raises(Unreachable, match="may exist all the same"):
        session.post(ENDPOINT, {})
    assert len(responses.calls) == 1


def test_post__no_connection_is_tried_again(time: Time, log: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    session = make_session(time, log, base=f"http://127.0.0.1:{port}/")
    with pytest.raises(Unreachable, match=r"no connection .*\(4 attempts\)"):
        session.post(ENDPOINT, {})
    assert len(time.waits) == 3
    session.close()


@pytest.mark.parametrize(
    ("bypassed", "proxied"), [("", True), ("other.example", True), ("127.0.0.1", False)]
)
def test_get__proxy(bypassed: str, proxied: bool, time: Time, log: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = f"http://user:pw@127.0.0.1:{closed.getsockname()[1]}"
    network = Network(None, {"http": dead, "no": bypassed})
    session = make_session(time, log, base="http://127.0.0.1:1/", network=network)
    with pytest.raises(Unreachable) as caught:
        session.get(ENDPOINT, {})
    assert ("proxy" in caught.value.message) is proxied
    assert "pw" not in str(caught.value) + "".join(log)
    session.close()
