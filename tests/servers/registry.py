"""Our own server as people run it: a configuration file, `studio-action serve`, and a token."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests import sample
from tests.servers.process import body_at, free_ports, running

PROGRAM = Path(sys.executable).with_name("studio-action")
REPOSITORY = "acme/models"
_SECRETS = ("secret_access_key", "connection_string")


@dataclass(frozen=True, slots=True)
class OwnServer:
    """Where it is, with the sub-path and without a final slash, and a token that may do all."""

    url: str
    token: str = field(repr=False)


@contextlib.contextmanager
def own_server(
    folder: Path,
    repository: str | Path,
    remotes: Mapping[str, Mapping[str, str]],
    *,
    base_path: str = "",
    workers: int = 1,
) -> Iterator[OwnServer]:
    """A server of `acme/models`, which is at `repository`; its state is in `folder`.

    `remotes` are options by remote, as DVC has them.
    """
    folder.mkdir()
    (port,) = free_ports(1)
    secrets = {
        f"{remote}_{name}".upper(): text
        for remote, options in remotes.items()
        for name, text in options.items()
        if name in _SECRETS
    }
    configuration = {
        "data-dir": "data",
        "base-path": base_path,
        "port": port,
        "workers": workers,
        "folders": {"objects": str(sample.OBJECTS)},
        "requests-per-minute": 1_000_000,
        "repositories": [
            {
                "name": REPOSITORY,
                "url": str(repository),
                "remotes": {
                    remote: {name: _told(remote, name, text) for name, text in options.items()}
                    for remote, options in remotes.items()
                },
            }
        ],
    }
    file = folder / "server.yaml"
    file.write_text(yaml.safe_dump(configuration))
    environ = {"STUDIO_ACTION_SERVER_CONFIG": str(file), **secrets}
    url = f"http://127.0.0.1:{port}{base_path}"

    def ready() -> bool:
        return body_at(f"http://127.0.0.1:{port}/readyz") is not None

    with running([str(PROGRAM), "serve"], folder, ready, **environ):
        yield OwnServer(url, _token(folder, environ))


def _told(remote: str, name: str, text: str) -> str | dict[str, str]:
    """The option as it stands in the file, which holds no secret."""
    return {"env": f"{remote}_{name}".upper()} if name in _SECRETS else text


def _token(folder: Path, environ: Mapping[str, str]) -> str:
    """A new token, as its maker sees it once."""
    command = [PROGRAM, "token", "create", "--name", "tests", "--all-repositories"]
    command += ["--scope", "model-registry", "--scope", "project"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environ},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()
