"""TLS and proxies, exactly as they were said to be, whatever the environment says."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from studio_action.errors import Unreachable
from studio_action.model.artifact import RemoteFile
from studio_action.net.network import Network
from tests.download.conftest import Fetcher, contents, of
from tests.download.proxy import Proxy, proxying
from tests.download.storage import Reply, Storage, running

LARGE = os.urandom(9_000_000)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Storage]:
    """A storage with a certificate of a private authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running(context) as storage:
        yield storage


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxying() as each:
        yield each


def test_private_authority(secure: Storage, fetcher: Fetcher, bundle: Path) -> None:
    fetcher.network = Network(bundle)

    assert contents(fetcher.fetch(of("model", secure.put("key", LARGE), LARGE))) == [LARGE]


@pytest.mark.parametrize("other", [False, True], ids=["system's", "another one"])
def test_unknown_authority(secure: Storage, fetcher: Fetcher, tmp_path: Path, other: bool) -> None:
    if other:
        path = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(path))
        fetcher.network = Network(path)

    with pytest.raises(Unreachable, match="its certificate is not trusted") as caught:
        fetcher.fetch(RemoteFile("model", secure.put("key", LARGE)))

    assert "ca-bundle" in caught.value.hint
    assert secure.requests == []


def test_authorities_of_one_file(
    secure: Storage, storage: Storage, fetcher: Fetcher, bundle: Path, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    fetcher.network = Network(tmp_path / "other.pem")
    url = secure.put("key", LARGE)
    known = replace(of("known", url, LARGE), tls_verify=bundle)
    unchecked = replace(of("unchecked", url, LARGE), tls_verify=False)
    plain = of("plain", storage.put("key", LARGE), LARGE)

    assert contents(fetcher.fetch(known, unchecked, plain)) == [LARGE, LARGE, LARGE]
    asked = len(secure.requests)

    with pytest.raises(Unreachable, match="its certificate is not trusted"):
        fetcher.fetch(known, unchecked, of("other", f"{secure.url}/key?other", LARGE))
    assert all("other" not in request.path for request in secure.requests[asked:])


def test_wrong_name(authority: trustme.CA, fetcher: Fetcher, bundle: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example.org").configure_cert(context)
    fetcher.network = Network(bundle)

    with running(context) as storage, pytest.raises(Unreachable, match="is not trusted"):
        fetcher.fetch(RemoteFile("model", storage.put("key", LARGE)))


def test_bundle_is_missing(secure: Storage, fetcher: Fetcher, tmp_path: Path) -> None:
    fetcher.network = Network(tmp_path / "none.pem")

    with pytest.raises(Unreachable):
        fetcher.fetch(RemoteFile("model", secure.put("key", LARGE)))


def test_redirect_from_tls_to_plain_text(
    secure: Storage, storage: Storage, fetcher: Fetcher, bundle: Path
) -> None:
    target = storage.put("key", LARGE)
    secure.always(lambda _: Reply(302, headers={"Location": target}))
    fetcher.network = Network(bundle)

    with pytest.raises(Unreachable):
        fetcher.fetch(of("model", f"{secure.url}/key", LARGE))

    assert storage.requests == []


def test_redirect_from_plain_text_to_tls(
    secure: Storage, storage: Storage, fetcher: Fetcher, bundle: Path
) -> None:
    target = secure.put("key", LARGE)
    storage.always(lambda _: Reply(302, headers={"Location": target}))
    fetcher.network = Network(bundle)

    assert contents(fetcher.fetch(of("model", f"{storage.url}/key", LARGE))) == [LARGE]


def test_headers_of_a_file(storage: Storage, fetcher: Fetcher) -> None:
    file = replace(of("model", storage.put("key", LARGE), LARGE), headers=("X-Token: secret",))

    assert contents(fetcher.fetch(file)) == [LARGE]
    assert len(storage.requests) > 1
    assert {request.headers.get("x-token") for request in storage.requests} == {"secret"}
    assert "secret" not in repr(file)


def test_headers_of_a_file_go_nowhere_else(storage: Storage, fetcher: Fetcher) -> None:
    with running() as elsewhere:
        target = elsewhere.put("key", LARGE)
        storage.always(lambda _: Reply(302, headers={"Location": target}))
        file = replace(of("model", f"{storage.url}/key", LARGE), headers=("X-Token: secret",))
        plain = of("model 2", f"{storage.url}/key", LARGE)

        with pytest.raises(Unreachable, match="HTTP 302"):
            fetcher.fetch(file)
        assert elsewhere.requests == []
        assert contents(fetcher.fetch(plain)) == [LARGE]

    assert all("x-token" not in request.headers for request in elsewhere.requests)


def test_proxy__plain_text(storage: Storage, fetcher: Fetcher, proxy: Proxy) -> None:
    proxy.credentials = "me:secret"
    fetcher.network = Network(proxies={"http": f"http://me:secret@{proxy.address}"})
    url = storage.put("key", LARGE)

    assert contents(fetcher.fetch(of("model", url, LARGE))) == [LARGE]
    assert proxy.asked[0] == f"GET {url}"


def test_proxy__tls(secure: Storage, fetcher: Fetcher, proxy: Proxy, bundle: Path) -> None:
    fetcher.network = Network(bundle, {"https": f"http://{proxy.address}"})

    assert contents(fetcher.fetch(of("model", secure.put("key", LARGE), LARGE))) == [LARGE]
    assert proxy.asked[0] == f"CONNECT {secure.url.removeprefix('https://')}"


@pytest.mark.parametrize("exempt", ["127.0.0.1", "example.org,127.0.0.1", "127.0.0.0/8", "*"])
def test_no_proxy(storage: Storage, fetcher: Fetcher, proxy: Proxy, exempt: str) -> None:
    fetcher.network = Network(proxies={"http": f"http://{proxy.address}", "no": exempt})

    assert contents(fetcher.fetch(of("model", storage.put("key", LARGE), LARGE))) == [LARGE]
    assert proxy.asked == []


def test_proxy__refuses(storage: Storage, fetcher: Fetcher, proxy: Proxy) -> None:
    proxy.credentials = "me:secret"
    fetcher.network = Network(proxies={"http": f"http://me:wrong@{proxy.address}"})

    with pytest.raises(Unreachable, match="HTTP 407") as caught:
        fetcher.fetch(RemoteFile("model", storage.put("key", LARGE)))

    assert "wrong" not in str(caught.value)


def test_proxy__tunnel_refused(
    secure: Storage, fetcher: Fetcher, proxy: Proxy, bundle: Path
) -> None:
    proxy.credentials = "me:secret"
    fetcher.network = Network(bundle, {"https": f"http://{proxy.address}"})

    with pytest.raises(Unreachable, match="407"):
        fetcher.fetch(RemoteFile("model", secure.put("key", LARGE)))


def test_environment_is_not_read(
    storage: Storage, fetcher: Fetcher, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{proxy.address}")

    assert contents(fetcher.fetch(of("model", storage.put("key", LARGE), LARGE))) == [LARGE]
    assert proxy.asked == []


def test_netrc_is_not_read(
    storage: Storage, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    fetcher.fetch(of("model", storage.put("key", LARGE), LARGE))

    assert {"authorization", "cookie", "referer"}.isdisjoint(storage.requests[0].headers)


def test_cookies_are_not_kept(storage: Storage, fetcher: Fetcher) -> None:
    storage.first(Reply(503, headers={"Set-Cookie": "a=b"}))

    fetcher.fetch(of("model", storage.put("key", LARGE), LARGE))

    assert all("cookie" not in request.headers for request in storage.requests)
