"""Our own server as people run it: a configuration file, `studio-action serve`, and a token."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests import sample
from tests.servers.process import body_at, free_ports, running

PROGRAM = Path(sys.executable).with_name("studio-action")
REPOSITORY = "acme/models"
HOSTS = ("github.com", "gitlab.example.org")
"""Where jobs of the repository say that it is."""
FILE = "server.yaml"
SERVE = ("serve", "--config", FILE)
CREATE_TOKEN = (
    *("token", "create", "--config", FILE, "--name", "tests", "--all-repositories"),
    *("--scope", "model-registry", "--scope", "project"),
)
_SECRETS = ("secret_access_key", "connection_string", "password")


@dataclass(frozen=True, slots=True)
class OwnServer:
    """Where it is, with the sub-path and without a final slash, and a token that may do all."""

    url: str
    token: str = field(repr=False)
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Configured:
    """A folder with a configuration file; `secrets` are the variables that the file names."""

    folder: Path
    port: int
    base_path: str
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base_path}"

    def token(self) -> str:
        """A new token, which its maker sees this once."""
        done = subprocess.run(
            [PROGRAM, *CREATE_TOKEN],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.secrets},
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"no token was made: {done.stderr[-2000:]}")
        return done.stdout.strip()

    @contextlib.contextmanager
    def serving(self) -> Iterator[int]:
        """The server's process id, from when it is ready until the block ends."""

        def ready() -> bool:
            return body_at(f"http://127.0.0.1:{self.port}/readyz") is not None

        with running([str(PROGRAM), *SERVE], self.folder, ready, **self.secrets) as pid:
            yield pid


@contextlib.contextmanager
def own_server(
    folder: Path,
    repository: str | Path,
    remotes: Mapping[str, Mapping[str, str]],
    *,
    base_path: str = "",
    workers: int = 1,
    trusted_issuers: Sequence[Mapping[str, object]] = (),
) -> Iterator[OwnServer]:
    """A server of `acme/models`, which is at `repository`; its state is in `folder`.

    `remotes` are options by remote, as DVC has them; `trusted_issuers` are of ID tokens.
    """
    made = configured(
        folder,
        repository,
        remotes,
        base_path=base_path,
        workers=workers,
        trusted_issuers=trusted_issuers,
    )
    token = made.token()
    with made.serving() as pid:
        yield OwnServer(made.url, token, pid)


def configured(
    folder: Path,
    repository: str | Path,
    remotes: Mapping[str, Mapping[str, str]],
    *,
    base_path: str = "",
    workers: int = 1,
    trusted_issuers: Sequence[Mapping[str, object]] = (),
) -> Configured:
    """Make `folder`, with the configuration of such a server."""
    folder.mkdir()
    (port,) = free_ports(1)
    served = {
        "name": REPOSITORY,
        "url": str(repository),
        "aliases": [f"https://{host}/{REPOSITORY}.git" for host in HOSTS],
        "remotes": {remote: _without_secrets(remote, said) for remote, said in remotes.items()},
    }
    document = {
        "data-dir": "data",
        "base-path": base_path,
        "port": port,
        "workers": workers,
        "folders": {"objects": str(sample.OBJECTS)},
        "requests-per-minute": 1_000_000,
        "repositories": [served],
    }
    if trusted_issuers:
        document |= {
            "url": f"http://127.0.0.1:{port}{base_path}",
            "trusted-issuers": list(trusted_issuers),
        }
    (folder / FILE).write_text(yaml.safe_dump(document, sort_keys=False))
    secrets = {
        _variable(remote, name): text
        for remote, options in remotes.items()
        for name, text in options.items()
        if name in _SECRETS
    }
    return Configured(folder, port, base_path, secrets)


def _without_secrets(remote: str, options: Mapping[str, str]) -> Mapping[str, object]:
    return {
        name: {"env": _variable(remote, name)} if name in _SECRETS else text
        for name, text in options.items()
    }


def _variable(remote: str, option: str) -> str:
    return f"{remote}_{option}".upper()
