"""Web servers asked with a password: who gets it, where redirects may lead, what is no answer."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from studio_action.errors import Unreachable
from studio_action.gitrepo.remotes.base import Place
from studio_action.net.network import Network
from studio_action.server.registry.upstream import BLOCK, Upstream, _is_own_host, _redirect_target
from tests.download.storage import Reply, Request, Storage, running
from tests.server.guarded import AUTHORIZATION, PASSWORD, guarded, whole

HOME = "http://models.example.com/r/a"
LINE = f"Authorization: {AUTHORIZATION}"
"""The header with the password."""


@pytest.fixture
def storage() -> Iterator[Storage]:
    with guarded({"r/a": b"weights"}) as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Storage]:
    """Every host of the world, by http."""
    with running() as server:
        yield server


def through(proxy: Storage) -> Upstream:
    return Upstream(Network(proxies={"http": proxy.url, "https": proxy.url}), silence=5)


def redirected(location: str, status: int = 302) -> Reply:
    return Reply(status, b"", {"Location": location})


def told(request: Request) -> tuple[str, bool]:
    return request.path, request.headers.get("authorization") == AUTHORIZATION


def test_ask__with_the_password(storage: Storage) -> None:
    answer = Upstream(Network()).request(
        "GET", Place(f"{storage.url}/r/a", (LINE,)), {"Range": "x"}
    )

    assert (answer.status, whole(answer)) == (200, b"weights")
    (request,) = storage.requests
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["range"] == "x"


def test_ask__a_password_in_any_script(proxy: Storage) -> None:
    proxy.put(HOME, b"weights")

    assert whole(through(proxy).request("GET", Place(HOME, ("X-Token: pä€",)), {})) == b"weights"

    assert proxy.requests[0].headers["x-token"].encode("latin-1").decode() == "pä€"


def test_ask__what_is_no_header_line_is_not_repeated(proxy: Storage) -> None:
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        through(proxy).request("GET", Place(HOME, (f"X-Töken: {PASSWORD}",)), {})

    assert PASSWORD not in str(caught.value)
    assert caught.value.__suppress_context__


def test_ask__connections_are_used_again(storage: Storage) -> None:
    upstream, callers = Upstream(Network()), set()
    storage.always(lambda request: callers.add(threading.current_thread()))  # type: ignore[func-returns-value]

    storage.first(redirected(f"{storage.url}/r/a"))
    for method in ("GET", "HEAD", "GET"):
        whole(upstream.request(method, Place(f"{storage.url}/r/a", (LINE,)), {}))

    assert len(callers) == 1


def test_ask__a_connection_that_was_closed_meanwhile(storage: Storage) -> None:
    upstream, place = Upstream(Network()), Place(f"{storage.url}/r/a", (LINE,))
    whole(upstream.request("GET", place, {}))
    closing = [True]

    def script(request: Request) -> None:
        if closing and closing.pop():
            raise ConnectionResetError

    storage.always(script)

    assert whole(upstream.request("GET", place, {})) == b"weights"
    assert len(storage.requests) == 3


def test_ask__a_redirect_to_another_host_gets_no_password(proxy: Storage) -> None:
    proxy.first(redirected("http://objects.example.net/b?sig=1"))
    proxy.put("http://objects.example.net/b", b"weights")

    answer = through(proxy).request("GET", Place(HOME, (LINE,)), {"Range": "bytes=0-2"})

    assert (answer.status, answer.is_from_own_host, whole(answer)) == (206, False, b"wei")
    assert list(map(told, proxy.requests)) == [
        (HOME, True),
        ("http://objects.example.net/b?sig=1", False),
    ]


def test_ask__a_redirect_of_the_same_host(proxy: Storage) -> None:
    proxy.first(redirected("/other"))
    proxy.put("http://models.example.com/other", b"weights")

    assert whole(through(proxy).request("GET", Place(HOME, (LINE,)), {})) == b"weights"

    assert told(proxy.requests[1]) == ("http://models.example.com/other", True)


@pytest.mark.parametrize(
    "location",
    [
        "http://models.example.com:8080/a",
        "http://models.example.com.evil.example/a",
        "http://sub.models.example.com/a",
        "//objects.example.net/a",
    ],
    ids=["another port", "a name that begins so", "a name that ends so", "without a scheme"],
)
def test_ask__what_is_not_the_same_host(proxy: Storage, location: str) -> None:
    proxy.first(redirected(location))

    through(proxy).request("GET", Place(HOME, (LINE,)), {}).close()

    assert "authorization" not in proxy.requests[1].headers


def test_ask__another_host_cannot_send_the_password_back(proxy: Storage) -> None:
    back = "http://models.example.com/secrets"
    proxy.first(redirected("http://objects.example.net/b"), redirected(back))

    through(proxy).request("GET", Place(HOME, (LINE,)), {}).close()

    assert told(proxy.requests[2]) == (back, False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_ask__in_a_circle(proxy: Storage, status: int) -> None:
    proxy.always(lambda request: redirected(HOME, status))

    with pytest.raises(Unreachable, match="more than 5 times"):
        through(proxy).request("GET", Place(HOME, (LINE,)), {})

    assert len(proxy.requests) == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/x",
        "http://127.0.0.1:8000/metrics",
        "http://[::1]/x",
        "http://2852039166/",
        "http://metadata.google.internal/x",
        "http://ada:pw@objects.example.net/x",
        "file:///etc/passwd",
        "ftp://objects.example.net/x",
        "http://127.0.0.1\\.example.com/x",
        "http://\uff11\uff12\uff17.0.0.1/x".encode().decode("latin-1"),
        "http://[bad/x",
        "http://objects.example.net:99999/x",
    ],
)
def test_ask__where_a_redirect_may_not_lead(proxy: Storage, location: str) -> None:
    proxy.first(redirected(location))

    with pytest.raises(Unreachable, match="a remote redirects to"):
        through(proxy).request("GET", Place(HOME, (LINE,)), {})

    assert len(proxy.requests) == 1


def test_onward__tls_is_not_left() -> None:
    home = urlsplit("https://models.example.com/r")
    with pytest.raises(Unreachable, match="unsafe"):
        _redirect_target("https://models.example.com/r/a", "http://models.example.com/r/a", home)
    assert not _is_own_host(urlsplit("http://models.example.com/r"), home)
    assert _is_own_host(home, urlsplit("http://models.example.com/r"))


def test_ask__a_redirect_within_the_machine_of_the_remote(storage: Storage) -> None:
    storage.objects["r/b"] = b"moved"
    storage.first(redirected(f"{storage.url}/r/b"))

    answer = Upstream(Network()).request("GET", Place(f"{storage.url}/r/a", (LINE,)), {})

    assert whole(answer) == b"moved"


def test_ask__nobody_answers() -> None:
    with running() as storage:
        url = storage.url

    with pytest.raises(Unreachable, match="no connection"):
        Upstream(Network()).request("GET", Place(f"{url}/r/a", (LINE,)), {})


def test_ask__silence(storage: Storage) -> None:
    storage.scripts.insert(0, lambda request: Reply(hang=True))

    with pytest.raises(Unreachable, match="no answer within the timeout"):
        Upstream(Network(), silence=0.1).request("GET", Place(f"{storage.url}/r/a", (LINE,)), {})


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, bytes(BLOCK), cut=BLOCK // 2),
        Reply(200, bytes(BLOCK), cut=BLOCK // 2, reset=True),
        Reply(200, bytes(BLOCK), cut=BLOCK // 2, hang=True),
        Reply(200, b"10\r\nabc", {"Transfer-Encoding": "chunked"}, length=None),
    ],
    ids=["cut", "reset", "silent", "half a chunk"],
)
def test_read__an_answer_that_breaks_off(storage: Storage, reply: Reply) -> None:
    storage.scripts.insert(0, lambda request: reply)
    answer = Upstream(Network(), silence=0.2).request(
        "GET", Place(f"{storage.url}/r/a", (LINE,)), {}
    )

    with pytest.raises(Unreachable, match="broke off"):
        whole(answer)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Storage]:
    """A storage over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running(context) as server:
        yield server


@pytest.fixture
def network(authority: trustme.CA, tmp_path: Path) -> Network:
    """Whoever trusts the storage's authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return Network(tmp_path / "ca.pem")


def test_ask__over_tls(secure: Storage, network: Network) -> None:
    place = Place(secure.put("r/a", bytes(3 * BLOCK)), (LINE,))

    assert whole(Upstream(network).request("GET", place, {})) == bytes(3 * BLOCK)


def test_ask__a_certificate_that_is_not_trusted(secure: Storage) -> None:
    with pytest.raises(Unreachable, match="its certificate is not trusted"):
        Upstream(Network()).request("GET", Place(secure.put("r/a", b""), (LINE,)), {})

    assert not secure.requests


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "over TLS"])
def test_end__wakes_whoever_reads(
    storage: Storage, secure: Storage, network: Network, over_tls: bool
) -> None:
    asked = secure if over_tls else storage
    asked.scripts.insert(0, lambda request: Reply(200, bytes(10), cut=5, hang=True))
    answer = Upstream(network).request("GET", Place(f"{asked.url}/r/a", (LINE,)), {})
    assert answer.read() == bytes(5)
    failures: list[Exception] = []

    def read() -> None:
        try:
            whole(answer)
        except Unreachable as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    answer.close()
    reader.join(5)

    assert (reader.is_alive(), len(failures)) == (False, 1)
