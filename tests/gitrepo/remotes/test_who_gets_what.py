"""The table of `docs/credentials.md`, walked as a whole: what it says goes where, goes there.

Every address of the table is on loopback, or is asked for through a proxy that goes nowhere, and
each keeps what it was asked with.
"""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from azure.core.credentials import AccessToken

from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.dvc.config import Config, ConfigFile, Settings
from studio_action.gitrepo.remotes import opening
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.net.network import Network
from studio_action.server.registry.storages import ServedFolder, ServedStorages, effective_config
from tests.server.serving import repository

PAGE = Path(__file__).parents[3] / "docs/credentials.md"
NOW = datetime.now(timezone.utc)
KEY_OF_AZURE = base64.b64encode(b"0" * 64).decode()
THEIRS, OURS = "THEIRS", "OURS"
"""Stands in every credential, and so in whatever it is sent in."""


class Listener:
    """An address: every request that reached it, as one text."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[str] = []


@contextmanager
def listening(context: ssl.SSLContext | None) -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            listener.heard.append(f"{self.command} {self.path}\n{self.headers}")
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_POST = do_CONNECT = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        listener.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Known(Identity):
    """A machine that is logged in to Azure and to Google, and keeps whether it was asked."""

    asked: list[str] = field(default_factory=list)

    def azure(self, settings: Settings, transport: Mapping[str, Any]) -> Any:
        return self

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append("azure")
        return AccessToken(f"token of {OURS}", 2**31)

    def google(self, scopes: Sequence[str]) -> Any:
        from google.oauth2.credentials import Credentials

        class LoggedIn(Credentials):
            def refresh(self, request: object) -> None:
                pass

        self.asked.append("google")
        return LoggedIn(token=f"token-of-{OURS}")


@dataclass
class Around:
    """The addresses, and the network that leads to them and to nothing else."""

    address: Listener
    proxy: Listener
    bundle: Path
    folder: Path

    @property
    def heard(self) -> str:
        return "\n".join((*self.address.heard, *self.proxy.heard))

    def network(self, *, own: bool) -> Network:
        """Providers' own hosts are behind the proxy; the other address is not."""
        proxies = {"http": self.proxy.url, "https": self.proxy.url} if own else {}
        return Network(self.bundle, proxies)


@pytest.fixture(scope="module")
def addresses(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Listener, Listener, Path]]:
    authority, bundle = trustme.CA(), tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with listening(context) as address, listening(None) as proxy:
        yield address, proxy, bundle


@pytest.fixture
def around(
    addresses: tuple[Listener, Listener, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Around:
    address, proxy, bundle = addresses
    address.heard.clear()
    proxy.heard.clear()
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OURS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OURS)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Around(address, proxy, bundle, tmp_path)


Options = dict[str, str]


@dataclass(frozen=True)
class Kind:
    """A kind of storage: its url, what names its address, and the credentials there are for it.

    `theirs` are options, `ours` variables of the environment; `ours_beside` are options that go
    with the address where it is named outside, as one's own web server has a password.
    """

    url: str
    own: Options
    another: Callable[[str], Options]
    theirs: Options
    ours: Options
    ours_beside: Options = field(default_factory=dict)
    committed: Options = field(default_factory=dict)


KINDS = {
    "S3": Kind(
        "s3://b/p",
        {"region": "eu-west-1"},
        lambda url: {"endpointurl": url},
        {"access_key_id": THEIRS, "secret_access_key": "x"},
        {},
    ),
    "Azure, key or SAS": Kind(
        "azure://c/p",
        {"account_name": "acme"},
        lambda url: {"connection_string": f"AccountName=acme;BlobEndpoint={url}"},
        {"sas_token": f"sig={THEIRS}"},
        {"AZURE_STORAGE_SAS_TOKEN": f"sig={OURS}"},
    ),
    "Azure, log-in": Kind(
        "azure://c/p",
        {"account_name": "acme"},
        lambda url: {"connection_string": f"AccountName=acme;BlobEndpoint={url}"},
        {"tenant_id": "t", "client_id": THEIRS, "client_secret": THEIRS},
        {},
    ),
    "Google Cloud Storage": Kind("gs://b/p", {}, lambda url: {"endpointurl": url}, {}, {}),
    "http(s)": Kind(
        "",
        {},
        lambda url: {"url": f"{url}/p"},
        {"password": THEIRS},
        {},
        {"password": OURS},
        {"auth": "custom", "custom_auth_header": "X-Token"},
    ),
    "WebDAV": Kind(
        "",
        {},
        lambda url: {"url": f"{url.replace('https', 'webdavs')}/p"},
        {"token": THEIRS},
        {},
        {"token": OURS},
    ),
    "OSS": Kind(
        "oss://bbb/p",
        {"oss_endpoint": "oss-cn-hangzhou.aliyuncs.com"},
        lambda url: {"oss_endpoint": url},
        {"oss_key_id": THEIRS, "oss_key_secret": "x"},
        {},
        {"oss_key_id": OURS, "oss_key_secret": "x"},
    ),
    "Folder": Kind("/srv/models", {}, lambda url: {}, {}, {}),
}


@dataclass(frozen=True)
class Row:
    storage: str
    address: str
    named_by: str

    @property
    def own(self) -> bool:
        return self.address not in ("another", "any")

    def said(self, url: str) -> tuple[Options, Options]:
        """What names the address, committed and outside."""
        kind = KINDS[self.storage]
        where = dict(kind.own) if self.own else kind.another(url)
        bucket = {"url": kind.url} if kind.url else {}
        if self.named_by == "outside":
            return {**bucket, **kind.committed}, {**bucket, **where}
        return {**bucket, **where, **kind.committed}, {}


def rows() -> list[tuple[Row, str, str, str]]:
    lines = PAGE.read_text().split("| Storage | Address |")[1].splitlines()[2:]
    cells = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in takewhile(lambda line: line.startswith("|"), lines)
    )
    return [(Row(*found[:3]), found[3], found[4], found[5]) for found in cells]


ROWS = rows()
THEIR_ROWS = [(row, theirs) for row, theirs, _, _ in ROWS]
OUR_ROWS = [(row, ours) for row, _, ours, _ in ROWS]
SERVER_ROWS = [(row, servers) for row, _, _, servers in ROWS]
IDS = [f"{row.storage}, {row.address} of {row.named_by}" for row, *_ in ROWS]


def test_rows__walk_every_kind_and_whoever_names_it() -> None:
    walked = {(row.storage, row.named_by) for row, *_ in ROWS}

    assert walked == {(kind, by) for kind in KINDS for by in ("the repository", "outside")}
    assert {cell for _, *cells in ROWS for cell in cells} == {"sent", "withheld", "never", "none"}


def section(options: Options) -> str:
    return "['remote \"r\"']\n" + "".join(f"{key} = '{text}'\n" for key, text in options.items())


def sent(around: Around, remote: object, mark: str) -> bool:
    """Whether what is marked reaches the address, or the provider, that the remote is at."""
    place = remote.place("files/md5/ab/cd", "", NOW)  # type: ignore[attr-defined]
    if place.url.startswith("file:"):
        return False
    lines = dict(line.split(": ", 1) for line in place.headers)
    if place.url.startswith(around.address.url):
        requests.get(place.url, headers=lines, verify=str(around.bundle), timeout=5)
        return mark in around.heard
    return mark in place.url + str(lines)


def outcome(around: Around, identity: Known, opened: Callable[[], object], mark: str) -> str:
    """`sent` or `withheld`, by what was heard and what was said; `none` if there was nothing."""
    try:
        if sent(around, opened(), mark):
            return "sent"
    except Unreachable:  # a provider that is not there, or refuses: who one is was told first
        own = "login.microsoftonline.com" in around.heard and mark == THEIRS
        return "sent" if own or identity.asked or mark in around.heard else "withheld"
    except BadInput as error:
        refused = error.message
    else:
        refused = ""
    assert "the remote 'r' does not get the " in refused or not refused
    assert mark not in around.heard
    assert not (refused and around.address.heard)
    assert not identity.asked
    return "withheld" if refused else "none"


@pytest.mark.parametrize(("row", "expected"), THEIR_ROWS, ids=IDS)
def test_the_repositorys_own(around: Around, row: Row, expected: str) -> None:
    committed, local = row.said(around.address.url)
    theirs = dict(KINDS[row.storage].theirs)
    if "sas_token" in theirs and "connection_string" in committed:
        committed["connection_string"] += f";SharedAccessSignature={theirs.pop('sas_token')}"
    if expected == "none":  # then nobody is asked for more
        theirs["allow_anonymous_login"] = "true"

    opened, identity = in_a_job(around, {**committed, **theirs}, local, {})

    assert outcome(around, identity, opened, THEIRS) == expected


def in_a_job(
    around: Around, committed: Options, local: Options, environ: Options, *, own: bool = True
) -> tuple[Callable[[], object], Known]:
    identity = Known(environ)
    files = [
        ConfigFile("config", section(committed), None),
        ConfigFile("config.local", section(local) if local else "", None, "outside"),
    ]
    storages = opening.StorageRemotes(around.network(own=own), identity)
    return lambda: storages(Config.read(files).remote("r")), identity


@pytest.mark.parametrize(("row", "expected"), OUR_ROWS, ids=IDS)
def test_yours_in_a_job(around: Around, row: Row, expected: str) -> None:
    kind = KINDS[row.storage]
    committed, local = row.said(around.address.url)
    if kind.ours and "connection_string" in local:
        local["connection_string"] += f";SharedAccessSignature=sig={OURS}"
    environ = dict(kind.ours)
    opened, identity = in_a_job(
        around, committed, {**local, **kind.ours_beside}, environ, own=row.own
    )

    assert outcome(around, identity, opened, OURS) == expected


@pytest.mark.parametrize(("row", "expected"), SERVER_ROWS, ids=IDS)
def test_the_servers_own(around: Around, row: Row, expected: str) -> None:
    kind = KINDS[row.storage]
    committed, configured = row.said(around.address.url)
    if configured:
        configured |= {**kind.committed, **kind.ours_beside}
    if "connection_string" in configured and kind.ours:
        configured["connection_string"] += f";AccountKey={KEY_OF_AZURE}"
    elif kind.ours:
        configured |= {"account_key": KEY_OF_AZURE} if configured else {}
    identity, network = Known({}), around.network(own=row.own)
    asked = repository("acme/models", remotes={"r": configured} if configured else {})
    storages = ServedStorages(
        {"srv": Path("/srv")},
        with_credentials=opening.StorageRemotes(network, identity),
        without_credentials=opening.StorageRemotes(network, None),
        now=lambda: 0.0,
        say=print,
    )

    def opened() -> object:
        return storages.opened(
            effective_config(asked, ".dvc/config", section(committed)).remote("r")
        )

    if expected == "never":
        with suppress(BadInput):
            remote = opened()
            assert isinstance(remote, ServedFolder) or not sent(around, remote, OURS)
        assert OURS not in around.heard
        assert not identity.asked
    elif kind.ours:  # a key signs, and is not in the URL itself
        place = opened().place("k", "", NOW)  # type: ignore[attr-defined]
        assert "sig=" in place.url
    else:
        assert outcome(around, identity, opened, OURS) == expected
