from __future__ import annotations

import base64
import ssl
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from azure.core.credentials import AccessToken

from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.azure import Account, AzureRemote, DelegationKeys, login
from studio_action.gitrepo.remotes.credentials import Address
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.net import signed_url
from studio_action.net.network import Network
from tests.gitrepo.remotes.test_s3 import got
from tests.servers import SampleStorage, tampered

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
KEY = base64.b64encode(b"0" * 64).decode()
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=ours;AccountKey={KEY}"


def settings(**options: str) -> Settings:
    return Settings.of("cloud", "azure://models/registry", options)


def remote(environ: dict[str, str] | None = None, **options: str) -> AzureRemote:
    return AzureRemote.open(settings(**options), Network(), Identity(environ or {}))


@pytest.mark.parametrize(
    ("options", "environ", "account"),
    [
        (
            {"connection_string": CONNECTION + ";EndpointSuffix=core.chinacloudapi.cn"},
            {},
            Account("ours", "https://ours.blob.core.chinacloudapi.cn", KEY),
        ),
        (
            {"connection_string": "BlobEndpoint=https://h/x/;SharedAccessSignature=sv=1&sig=a="},
            {},
            Account("", "https://h/x", sas="sv=1&sig=a="),
        ),
        (
            {"account_name": "ours", "account_key": KEY},
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=theirs"},
            Account("ours", "https://ours.blob.core.windows.net", KEY),
        ),
        (
            {"account_name": "ours"},
            {"AZURE_STORAGE_SAS_TOKEN": "?sv=1"},
            Account("ours", "https://ours.blob.core.windows.net", sas="?sv=1"),
        ),
        (
            {},
            {"AZURE_STORAGE_ACCOUNT": "ours", "AZURE_STORAGE_KEY": KEY},
            Account("ours", "https://ours.blob.core.windows.net", KEY),
        ),
        (
            {},
            {"AZURE_STORAGE_CONNECTION_STRING": CONNECTION},
            Account("ours", "https://ours.blob.core.windows.net", KEY),
        ),
    ],
    ids=[
        "connection string",
        "connection string with SAS",
        "account of the remote",
        "SAS of the environment",
        "key of the environment",
        "connection string of the environment",
    ],
)
def test_account__of(options: dict[str, str], environ: dict[str, str], account: Account) -> None:
    assert Account.of(settings(**options), environ) == account
    assert KEY not in repr(account)


@pytest.mark.parametrize(
    "options", [{}, {"connection_string": "AccountKey=x"}], ids=["nothing", "no name"]
)
def test_account__none(options: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="names no"):
        Account.of(settings(**options), {})


def test_place__signed_for_an_hour() -> None:
    place = remote(connection_string=CONNECTION).place("files/a b+é", "", NOW)

    parts, query = urlsplit(place.url), parse_qs(urlsplit(place.url).query)
    assert parts.netloc == "ours.blob.core.windows.net"
    assert parts.path == "/models/registry/files/a%20b%2B%C3%A9"
    assert (query["sp"], query["sr"]) == (["r"], ["b"])
    assert signed_url.expiry(place.url) == NOW + timedelta(hours=1)


def test_place__a_version() -> None:
    query = parse_qs(
        urlsplit(remote(connection_string=CONNECTION).place("a", "v:1", NOW).url).query
    )

    assert (query["versionid"], query["sr"]) == (["v:1"], ["bv"])


def test_place__a_signature_of_the_user() -> None:
    place = remote(account_name="ours", sas_token="?sv=1&sig=a%3D").place("a", "2", NOW)

    assert (
        place.url
        == "https://ours.blob.core.windows.net/models/registry/a?sv=1&sig=a%3D&versionid=2"
    )


def test_place__open_to_all() -> None:
    place = remote(account_name="ours", allow_anonymous_login="true").place("a", "", NOW)

    assert place.url == "https://ours.blob.core.windows.net/models/registry/a"


def test_open__without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.storage.blob", None)

    with pytest.raises(BadInput, match=r"Install studio-action\[azure\]"):
        remote(connection_string=CONNECTION)


def test_login__a_service_principal() -> None:
    from azure.identity import ClientSecretCredential

    said = settings(tenant_id="t", client_id="c", client_secret="s")
    address = Address("cloud", "azure", "https://ours.blob.core.windows.net", "repository")

    found = login(said, Network(), None, address)

    assert isinstance(found, ClientSecretCredential)
    found.close()


class _LoggedIn:
    """Who is logged in already."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("token of a person", 2**31)


class _Keys(BaseHTTPRequestHandler):
    """Azure, as far as it gives keys to those who are logged in."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        known = self.headers["Authorization"] == "Bearer token of a person"
        body = (
            '<?xml version="1.0" encoding="utf-8"?><UserDelegationKey><SignedOid>o</SignedOid>'
            "<SignedTid>t</SignedTid><SignedStart>2026-11-21T11:55:00Z</SignedStart>"
            "<SignedExpiry>2026-11-21T13:00:00Z</SignedExpiry><SignedService>b</SignedService>"
            f"<SignedVersion>2025-01-05</SignedVersion><Value>{KEY}</Value></UserDelegationKey>"
        ).encode()
        granted = known and self.path.endswith("restype=service&comp=userdelegationkey")
        self.send_response(200 if granted else 403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body) if granted else 0))
        self.end_headers()
        self.wfile.write(body if granted else b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[tuple[Account, Network]]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), _Keys) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        endpoint = f"https://127.0.0.1:{server.server_port}/ours"
        yield Account("ours", endpoint), Network(tmp_path / "ca.pem")
        server.shutdown()
        thread.join()


def test_delegation_key__signs(keys: tuple[Account, Network]) -> None:
    account, network = keys
    signing = DelegationKeys(account, _LoggedIn(), network)

    place = AzureRemote(settings(), account, signing).place("a", "", NOW)

    query = parse_qs(urlsplit(place.url).query)
    assert (query["skoid"], query["sktid"], query["sr"]) == (["o"], ["t"], ["b"])
    assert place.url.startswith(f"{account.endpoint}/models/registry/a?")


def test_delegation_keys__another_before_the_last_one_ends(keys: tuple[Account, Network]) -> None:
    account, network = keys
    logged_in = _LoggedIn()
    signing = DelegationKeys(account, logged_in, network)
    first = signing.at(NOW)["user_delegation_key"]

    assert signing.at(NOW + timedelta(hours=5))["user_delegation_key"] is first
    later = NOW + timedelta(hours=5, minutes=1)
    assert signing.at(later)["user_delegation_key"] is not first


def test_delegation_key__refused(keys: tuple[Account, Network]) -> None:
    account, network = keys

    class Stranger(_LoggedIn):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            return AccessToken("another", 2**31)

    with pytest.raises(Unreachable, match="Azure gives no key for 'ours'"):
        DelegationKeys(account, Stranger(), network).at(NOW)


def test_open__a_log_in_that_nobody_answers() -> None:
    nowhere = Network(proxies={"https": "http://127.0.0.1:1"})
    said = settings(account_name="ours", tenant_id="t", client_id="c", client_secret="s3cret")

    with pytest.raises(Unreachable, match="Azure gives no key for 'ours'") as caught:
        AzureRemote.open(said, nowhere, Identity({})).place("a", "", NOW)

    assert "s3cret" not in str(caught.value)


def test_open__nobody_is_logged_in() -> None:
    nowhere = Network(proxies={"http": "http://127.0.0.1:1", "https": "http://127.0.0.1:1"})
    excluded = {"exclude_managed_identity_credential": "true"}

    with pytest.raises(Unreachable, match="Azure gives no key for 'ours'"):
        AzureRemote.open(settings(account_name="ours", **excluded), nowhere, Identity({})).place(
            "a", "", NOW
        )


def test_place__a_real_server_takes_it(real_storage: SampleStorage) -> None:
    azure = real_storage.azure
    key = "files/md5/f2/409c7d2b342efedecdbf332a55d4b3"
    now = datetime.now(timezone.utc)
    said = settings(connection_string=azure.connection_string)
    place = AzureRemote.open(said, Network(), Identity({})).place(key, "", now)

    assert got(place.url) == (200, b"another accent\n")
    assert got(tampered(place.url))[0] == 403
