"""OpenSSH's own sshd on loopback, for the user who runs the tests, with keys made for it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import free_ports, running

_SBIN = f"{os.environ['PATH']}:/usr/sbin"


@dataclass(frozen=True, slots=True)
class Sshd:
    """The server; whoever has the `key` file may log in as `user`. `host_key` is public."""

    port: int
    user: str
    key: Path
    host_key: str

    def url(self, folder: Path, port: int = 0) -> str:
        """A folder of this machine as the server has it; `port` of something in between."""
        return f"ssh://{self.user}@127.0.0.1:{port or self.port}{folder}"

    def known(self, *ports: int) -> str:
        """Lines for known_hosts: the server at its own port, and at these."""
        names = [f"[127.0.0.1]:{port}" for port in (self.port, *ports)]
        return "".join(f"{name} {self.host_key}\n" for name in names)


def keygen(place: Path, passphrase: str = "") -> str:
    """Make a key pair; gives the public half."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(place)]
    subprocess.run(command, check=True)
    return place.with_suffix(".pub").read_text().strip()


@contextlib.contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """An sshd whose state is in `folder`: it gives files to who has the key, and nothing else."""
    folder.mkdir(mode=0o700)
    (port,) = free_ports(1)
    server = Sshd(
        port, pwd.getpwuid(os.getuid()).pw_name, folder / "user_key", keygen(folder / "host_key")
    )
    (folder / "authorized_keys").write_text(keygen(server.key) + "\n")
    (folder / "sshd_config").write_text(
        f"""\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp internal-sftp
ForceCommand internal-sftp
"""
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it insists on that
    program = shutil.which("sshd", path=_SBIN)
    assert program, "install openssh-server"

    def ready() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as probe:
            return probe.recv(4) == b"SSH-"
        return False

    with running([program, "-D", "-e", "-f", str(folder / "sshd_config")], folder, ready):
        yield server
