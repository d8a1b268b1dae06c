"""Remotes behind ssh, through sshfs and asyncssh, as DVC reads them.

The host's key has to be known to this machine (`known_hosts`): it is what names the host outside
of the repository, so that keys and the agent may answer it. Options say a password or a key file,
and `~/.ssh/config` counts as it does for ssh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from studio_action.download.filesystems import Filesystem, Filesystems
from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import needs_extra
from studio_action.gitrepo.remotes.connecting import (
    ConnectedRemote,
    ErrorTranslator,
    FsspecFiles,
    Location,
    refused,
    secret,
)
from studio_action.text import printable

_OF_THE_USER = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_OF_THE_SYSTEM = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_CIPHERS = (  # the quickest in Python first
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
_SESSIONS = 10
"""Channels that OpenSSH allows a connection, and asyncssh's file system uses."""


def opened(settings: Settings, filesystems: Filesystems) -> ConnectedRemote:
    """Return the remote; nothing is connected to yet. Raises `BadInput`."""
    if find_spec("sshfs") is None:  # importing it takes a while
        raise needs_extra(settings.name, "remotes")
    address = Location.of(settings)
    connect = _Connect(settings.name, address, _login(settings))
    return ConnectedRemote(settings, filesystems, connect, address.shown("ssh"), address.path)


def _login(settings: Settings) -> dict[str, Any]:
    """Return what asyncssh is told of who we are; without options, it asks the agent and usual
    keys.
    """
    login: dict[str, Any] = {}
    if password := secret(settings, "password"):
        login["password"] = password
    if settings["passphrase"]:
        login["passphrase"] = settings["passphrase"]
    if keyfile := settings["keyfile"]:
        if not Path(keyfile).is_file():
            raise BadInput(
                f"the remote {settings.name!r} has no key file at {printable(keyfile, 300)!r}",
                "Correct its keyfile",
            )
        login["client_keys"] = [keyfile]
    if not settings.flag("allow_agent", default=True):
        login["agent_path"] = None
    if not settings.flag("gss_auth"):
        login["gss_host"] = None
    return login


@dataclass(frozen=True, slots=True, eq=False)
class _Connect:
    """Implements `filesystems.Connect`."""

    remote: str
    address: Location
    login: Mapping[str, Any] = field(repr=False)

    def __call__(self, timeout: float) -> Filesystem:
        import sshfs

        explained = ErrorTranslator(self.remote, self._explain)
        where = {"port": self.address.port, "username": self.address.user}
        with explained():
            files = sshfs.SSHFileSystem(
                self.address.host,
                **{option: said for option, said in where.items() if said},
                **self.login,
                known_hosts=_known_hosts(self.address),
                encryption_algs=_CIPHERS,
                compression_algs=None,
                connect_timeout=timeout,
                login_timeout=timeout,
                max_sessions=_SESSIONS,
                skip_instance_cache=True,  # or a connection that was lost would be used again
            )
        return FsspecFiles(files, explained, end=lambda: _abort(files))

    def _explain(self, error: Exception) -> Exception | None:
        import asyncssh

        host, port = self.address.host, self.address.port or 22
        match error:
            case asyncssh.HostKeyNotVerifiable() if _is_known(self.address):
                return Unreachable(
                    f"the host of the remote {self.remote!r} has another key than known_hosts"
                    " says: it may be another machine",
                    f"If its key was replaced: `ssh-keygen -R {_named(host, port)}`, and add the"
                    " new one",
                )
            case asyncssh.HostKeyNotVerifiable():
                return Unreachable(
                    f"ssh does not know the host of the remote {self.remote!r}",
                    "Add its key to ~/.ssh/known_hosts, e.g. with"
                    f" `ssh-keyscan -p {port} {host}`, and compare it with what its owner says",
                )
            case asyncssh.PermissionDenied():
                return refused(self.remote, error.reason)
            case PermissionError() if error.errno is None:  # as sshfs tells the same
                return refused(self.remote, str(error))
            case asyncssh.SFTPPermissionDenied():
                return refused(self.remote, f"a file may not be read ({error.reason})")
            case asyncssh.KeyImportError() | asyncssh.KeyEncryptionError():
                return BadInput(
                    f"the remote {self.remote!r} cannot be reached: {printable(str(error), 300)}",
                    "Look at its keyfile and passphrase, and at ~/.ssh",
                )
        return None


def _named(host: str, port: int) -> str:
    return host if port == 22 else f"[{host}]:{port}"


def _known_hosts(address: Location) -> Any:
    """Return the keys of hosts that this machine knows; never None, which would mean any key.

    `UserKnownHostsFile` of `~/.ssh/config` counts; 'none' there is no file.
    """
    import asyncssh

    options = asyncssh.SSHClientConnectionOptions(
        config=(),  # the user's own
        host=address.host,
        port=address.port or (),
        username=address.user or (),
        client_keys=None,
        agent_path=None,
    )
    said = options.known_hosts
    files = _OF_THE_USER if said == [] else said or ()
    there = [Path(name).expanduser() for name in (*files, *_OF_THE_SYSTEM)]
    return asyncssh.read_known_hosts([str(place) for place in there if place.is_file()])


def _is_known(address: Location) -> bool:
    """Return whether this machine knows a key of the host."""
    import asyncssh

    found = asyncssh.match_known_hosts(_known_hosts(address), address.host, "", address.port or 22)
    return any(found)


def _abort(files: Any) -> None:
    """Cut the connection at once: whoever reads hears of it."""
    files.loop.call_soon_threadsafe(files.client.abort)
