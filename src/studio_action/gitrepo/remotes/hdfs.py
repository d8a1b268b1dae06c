"""Remotes on HDFS, by its own protocol and over HTTP, as DVC reads them.

Over HTTP (https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html) it is
fsspec's client, which is told what it leaves open: how long to wait, whom to trust, and to whom a
password goes. HDFS's own protocol speaks pyarrow, with the client that a Hadoop cluster comes with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from studio_action.download.filesystems import Filesystem, Filesystems, Interrupted
from studio_action.download.reading import LARGEST
from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import needs_extra
from studio_action.gitrepo.remotes.connecting import (
    ConnectedRemote,
    ErrorTranslator,
    FsspecFiles,
    Location,
    check_identity,
    secret,
)
from studio_action.net.network import Network

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

_PORT = 50070
"""As fsspec and DVC have it; Hadoop 3 listens on 9870, which a url has to say."""
_MOST = LARGEST + (1 << 20)
"""Bytes of an answer that are believed: more was never asked for."""


def opened_web(settings: Settings, network: Network, filesystems: Filesystems) -> ConnectedRemote:
    """Return the remote `webhdfs://`; nothing is connected to yet. Raises `BadInput`."""
    if find_spec("fsspec") is None:
        raise needs_extra(settings.name, "remotes")
    location = Location.of(settings)
    connect = _ConnectWeb(settings.name, location, _login(settings, location), network)
    return ConnectedRemote(
        settings, filesystems, connect, location.shown("webhdfs"), location.path or "/"
    )


def _login(settings: Settings, location: Location) -> dict[str, Any]:
    """Return who we are, as fsspec is told: a token alone, else a user, who may have a password."""
    login: dict[str, Any] = {"use_https": settings.flag("use_https")}
    if settings.flag("kerberos"):
        check_identity(settings, "Kerberos ticket")
        if find_spec("requests_kerberos") is None:
            raise BadInput(
                f"the remote {settings.name!r} requires Kerberos", "Install requests-kerberos"
            )
        principal = settings["kerberos_principal"]
        login |= {"kerberos": True, "kerb_kwargs": {"principal": principal} if principal else {}}
    elif token := secret(settings, "token"):
        return {**login, "token": token}
    elif location.user:
        login |= {"user": location.user, "password": secret(settings, "password") or None}
    if settings["proxy_to"]:
        login["proxy_to"] = settings["proxy_to"]
    if settings["data_proxy_target"]:
        scheme = "https" if login["use_https"] else "http"
        source = f"{scheme}://{location.host}:{location.port or _PORT}/webhdfs/v1"
        login["data_proxy"] = {source: settings["data_proxy_target"]}
    return login


@dataclass(frozen=True, slots=True, eq=False)
class _ConnectWeb:
    """Implements `filesystems.Connect`."""

    remote: str
    location: Location
    login: Mapping[str, Any] = field(repr=False)
    network: Network

    def __call__(self, timeout: float) -> Filesystem:
        from fsspec.implementations.webhdfs import WebHDFS

        explained = ErrorTranslator(self.remote, quiet=True)  # errors of requests quote the token
        with explained():
            files = WebHDFS(
                self.location.host,
                self.location.port or _PORT,
                **self.login,
                skip_instance_cache=True,
            )
            _govern(files.session, files.url, self.network, timeout)
        return FsspecFiles(files, explained, ahead=1, end=files.session.close)


def _govern(session: Session, url: str, network: Network, timeout: float) -> None:
    """Make the session wait no longer, trust nobody else, and keep its secrets for `url`'s host."""
    from requests.adapters import HTTPAdapter
    from requests.auth import AuthBase
    from requests.utils import should_bypass_proxies

    class Patient(HTTPAdapter):
        def send(self, request: PreparedRequest, *_: Any, **options: Any) -> Response:
            proxies = {} if bypassed(request.url or "") else network.proxies
            options |= {"timeout": timeout, "stream": True, "proxies": proxies}
            response = super().send(request, **options)
            content = bytearray()
            for piece in response.iter_content(1 << 18):
                content += piece
                if len(content) > _MOST:
                    response.close()
                    raise Interrupted("received more bytes than requested")
            response._content = bytes(content)
            if not request.url or not request.url.startswith(url):
                response.raise_for_status()  # fsspec would take a data node's error for content
            return response

    def bypassed(address: str) -> bool:
        without = network.proxies.get("no", "")
        return bool(without) and bool(should_bypass_proxies(address, no_proxy=without))

    class AtHome(AuthBase):
        def __init__(self, auth: AuthBase) -> None:
            self.auth = auth

        def __call__(self, request: PreparedRequest) -> PreparedRequest:
            there = urlsplit(request.url or "").netloc == urlsplit(url).netloc
            return self.auth(request) if there else request

    session.trust_env = False
    session.verify = str(network.ca_bundle) if network.ca_bundle else True
    if isinstance(session.auth, AuthBase):
        session.auth = AtHome(session.auth)
    for scheme in ("http://", "https://"):
        session.mount(scheme, Patient())


def opened(settings: Settings, filesystems: Filesystems) -> ConnectedRemote:
    """Return the remote `hdfs://`; nothing is connected to yet. Raises `BadInput`."""
    check_identity(settings, "identity of this machine's Hadoop client")
    if find_spec("fsspec") is None or find_spec("pyarrow") is None:
        raise needs_extra(settings.name, "hdfs", in_image=False)
    location = Location.of(settings)
    connect = _Connect(settings.name, location, settings["kerb_ticket"])
    return ConnectedRemote(
        settings, filesystems, connect, location.shown("hdfs"), location.path or "/"
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Connect:
    """Implements `filesystems.Connect`."""

    remote: str
    location: Location
    ticket: str

    def __call__(self, timeout: float) -> Filesystem:
        from fsspec.implementations.arrow import HadoopFileSystem

        explained = ErrorTranslator(self.remote, self._explain)
        with explained():
            files = HadoopFileSystem(
                host=self.location.host,
                port=self.location.port,
                user=self.location.user or None,
                kerb_ticket=self.ticket or None,
                skip_instance_cache=True,
            )
        return FsspecFiles(files, explained)

    def _explain(self, error: Exception) -> Exception | None:
        if any(program in str(error) for program in ("libjvm", "libhdfs")):
            return BadInput(
                f"the remote {self.remote!r} needs Java and Hadoop's client, which are missing",
                "Install them, and set JAVA_HOME, HADOOP_HOME and CLASSPATH, or use webhdfs",
            )
        return None
