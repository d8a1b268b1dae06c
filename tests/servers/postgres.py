"""PostgreSQL of Debian's packages: a cluster that may be killed and started again."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers.process import PATIENCE, free_ports

PROGRAMS = Path("/usr/lib/postgresql")
USER = "studio"


@dataclass(slots=True)
class Postgres:
    """A cluster in `folder`, which answers on loopback with a password."""

    folder: Path
    port: int
    password: str = field(repr=False)
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """The URL of `database`."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database; the URL of it is returned."""
        name = f"test_{secrets.token_hex(6)}"
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Forget a database, whoever is still connected to it."""
        name = sql.Identifier(url.rpartition("/")[2])
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def start(self) -> None:
        """Start the server, which recovers what it was killed in; return when it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(_program("postgres")),
                    *("-D", str(self.folder / "data")),
                    *("-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1"),
                    *("-c", "unix_socket_directories="),
                    *("-c", "shared_buffers=16MB"),
                ],
                stdout=log,
                stderr=log,
                **_owner(),
            )
        patience = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > patience:
                raise RuntimeError((self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server and all of its processes at once, as the kernel does without memory."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)  # so that it starts no more of them
        for each in [self.process.pid, *_children(self.process.pid)]:
            os.kill(each, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        """End the server without waiting for those who are connected."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(PATIENCE)

    def _answers(self) -> bool:
        try:
            self._run(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, statement: sql.Composable) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL in a folder of its own, with `fsync` on as it is by default."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # short, and open to the server's user
    (port,) = free_ports(1)
    server = Postgres(folder, port, secrets.token_hex(16))
    try:
        _make_cluster(server)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _make_cluster(server: Postgres) -> None:
    password = server.folder / "password"
    password.write_text(server.password)
    for path in (server.folder, password):
        os.chown(path, _user().pw_uid, _user().pw_gid)
    command = [str(_program("initdb")), f"--pgdata={server.folder}/data", f"--username={USER}"]
    options = [f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    made = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, **_owner()
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr[-2000:]}")


def _children(parent: int) -> list[int]:
    """The processes that PostgreSQL has started, each of which has left its process group."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


def _program(name: str) -> Path:
    found = sorted(PROGRAMS.glob(f"*/bin/{name}"))
    if not found:
        raise FileNotFoundError(f"no {name} in {PROGRAMS}: apt-get install postgresql")
    return found[-1]


def _user() -> pwd.struct_passwd:
    """Who the server runs as: PostgreSQL refuses root."""
    return pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")


def _owner() -> dict[str, int]:
    return {} if os.getuid() else {"user": _user().pw_uid, "group": _user().pw_gid}
