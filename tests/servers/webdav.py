"""WsgiDAV on loopback: a real WebDAV server, with a password."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.process import free_ports, running, status_at


@dataclass(frozen=True, slots=True)
class WebDav:
    """The server, whose `folder` is what it has, for `user` alone."""

    port: int
    folder: Path
    tls: bool = False
    user: str = "ada"
    password: str = field(default="open sesame", repr=False)

    def url(self, path: str = "", port: int = 0) -> str:
        """A folder's address as DVC spells it; `port` of something in between."""
        scheme = "webdavs" if self.tls else "webdav"
        return f"{scheme}://127.0.0.1:{port or self.port}{path}"


@contextlib.contextmanager
def webdav(folder: Path, *, certificate: Path | None = None) -> Iterator[WebDav]:
    """A WsgiDAV whose state is in `folder`; `certificate` is a PEM file with its key."""
    (port,) = free_ports(1)
    server = WebDav(port, folder / "files", tls=certificate is not None)
    server.folder.mkdir(parents=True)
    configuration = {
        "host": "127.0.0.1",
        "port": port,
        "server": "cheroot",
        "provider_mapping": {"/": str(server.folder)},
        "http_authenticator": {
            "accept_basic": True,
            "accept_digest": False,
            "default_to_digest": False,
        },
        "simple_dc": {"user_mapping": {"*": {server.user: {"password": server.password}}}},
        "verbose": 1,
    }
    if certificate:
        keys = {"ssl_certificate": str(certificate), "ssl_private_key": str(certificate)}
        configuration |= {**keys, "ssl_adapter": "builtin"}
    (folder / "wsgidav.json").write_text(json.dumps(configuration))
    command = [sys.executable, "-m", "wsgidav.server.server_cli", "--config", "wsgidav.json"]

    def ready() -> bool:
        if not certificate:
            return status_at(f"http://127.0.0.1:{port}/") == 401
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    with running(command, folder, ready):
        yield server
