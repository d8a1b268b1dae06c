"""Several servers over one PostgreSQL behind nginx: as processes, or in containers of the image."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

import requests
import yaml

from studio_action.server.access import Token
from studio_action.server.db import database
from studio_action.server.db.tokens import Tokens
from tests.gitrepo.repositories import committed, git, made_at
from tests.servers.nginx import balancing, nginx
from tests.servers.process import PATIENCE, free_ports, until_ready
from tests.servers.registry import PROGRAM

REPOSITORY = "acme/models"
SECRET = "for-webhooks"
CONTENT = b"the model\n"
FILES = {"dvc.yaml": b"artifacts: {m: {path: m.txt, type: model}}\n", "m.txt": CONTENT}


class Running(Protocol):
    """A server that was started."""

    def kill(self) -> None:
        """End it at once."""
        ...


class Launcher(Protocol):
    """A way to start a server that has the folder to itself, at the port."""

    def __call__(
        self, folder: Path, config: Path, port: int, environ: Mapping[str, str]
    ) -> Running:
        """Return the server, which is not ready yet."""
        ...


@dataclass
class Process:
    """A server as a process of this machine."""

    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path, config: Path, port: int, environ: Mapping[str, str]) -> Process:
        with (folder / "server.log").open("ab") as log:
            return cls(
                subprocess.Popen(
                    [PROGRAM, "serve", "--config", config, "--port", str(port)],
                    cwd=folder,
                    stdout=log,
                    stderr=log,
                    env={"PATH": os.environ["PATH"], "STUDIO_ACTION_DATA_DIR": "data", **environ},
                )
            )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)


@dataclass
class Container:
    """A server in a container of the image, on the host's network."""

    name: str

    @classmethod
    def of(cls, image: str) -> Launcher:
        """Return what starts containers of `image`, on a read-only root."""

        def start(folder: Path, config: Path, port: int, environ: Mapping[str, str]) -> Container:
            name = f"studio-action-cluster-{uuid.uuid4().hex}"
            shared = config.parent
            command = [
                *("docker", "run", "--rm", "--detach", f"--name={name}", "--network=host"),
                *(
                    "--read-only",
                    "--tmpfs=/tmp",
                    "--cap-drop=ALL",
                    f"--volume={shared}:{shared}:ro",
                ),
                *(f"--env={name}" for name in environ),
                *(image, "serve", "--config", str(config), "--port", str(port)),
            ]
            subprocess.run(
                command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environ}
            )
            return cls(name)

        return start

    def kill(self) -> None:
        subprocess.run(["docker", "kill", self.name], check=True, stdout=subprocess.DEVNULL)


@dataclass
class Node:
    """One place in the cluster, which a server has until it is killed."""

    folder: Path
    config: Path
    port: int
    environ: Mapping[str, str] = field(repr=False)
    launch: Launcher
    running: Running | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start a server; it need not be ready yet."""
        self.running = self.launch(self.folder, self.config, self.port, self.environ)

    def kill(self) -> None:
        """End the server at once, as the kernel does without memory."""
        if self.running is not None:
            self.running.kill()
            self.running = None


@dataclass
class Cluster:
    """All nodes, and `url` of the nginx before them."""

    nodes: list[Node]
    url: str
    folder: Path
    database_url: str = field(repr=False)

    def token(self) -> tuple[str, Token]:
        """A new token, which may do all."""
        with self._tokens() as tokens:
            return tokens.create(
                "tests", scopes=("model-registry", "project"), all_repositories=True, expires=None
            )

    def revoke(self, token: Token) -> None:
        """Revoke a token, as `studio-action token revoke` does."""
        with self._tokens() as tokens:
            tokens.revoke(token.id)

    def push(self, version: str) -> None:
        """A new version of the model in the repository; the servers are not told."""
        committed(self.folder / "checkout", {}, f"m@{version}")
        git(
            self.folder / "checkout",
            "push",
            "--quiet",
            "--mirror",
            str(self.folder / "shared/m.git"),
        )

    def webhook(self, node: Node, number: int = 0) -> int:
        """Tell one node of a push; the status of its answer."""
        body = json.dumps({"repository": {"full_name": REPOSITORY}, "number": number}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}
        address = f"{node.url}/api/webhook"
        return requests.post(address, body, headers=headers, timeout=30).status_code

    @contextlib.contextmanager
    def _tokens(self) -> Iterator[Tokens]:
        engine = database.open_engine(self.database_url)
        try:
            yield Tokens(engine, lambda: datetime.now(timezone.utc))
        finally:
            engine.dispose()


@contextlib.contextmanager
def cluster(
    folder: Path,
    database_url: str,
    count: int = 3,
    launch: Launcher = Process.start,
    tags: int = 1,
    **entries: Any,
) -> Iterator[Cluster]:
    """So many servers, all ready; `entries` are those of their configuration file."""
    folder.chmod(0o755)  # containers run as somebody else
    shared = folder / "shared"
    shared.mkdir()
    made_at(folder / "checkout", FILES, *(f"m@v0.{each}.0" for each in range(tags)))
    git(folder, "clone", "--quiet", "--bare", "checkout", "shared/m.git")
    config = shared / "server.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "host": "127.0.0.1",
                "webhook-secret": {"env": "WEBHOOK"},
                "requests-per-minute": 1_000_000_000,
                "trusted-proxies": ["127.0.0.1"],
                "repositories": [
                    {"name": REPOSITORY, "url": str(shared / "m.git"), "refresh": "1h"}
                ],
                **{name.replace("_", "-"): value for name, value in entries.items()},
            }
        )
    )
    *ports, front = free_ports(count + 1)
    environ = {"STUDIO_ACTION_DATABASE": database_url, "WEBHOOK": SECRET}
    nodes = [Node(folder / f"node-{port}", config, port, environ, launch) for port in ports]
    url = f"http://127.0.0.1:{front}"
    try:
        for node in nodes:
            node.folder.mkdir()
            node.start()
        for node in nodes:
            until_ready(f"{node.url}/readyz")
        with nginx(folder / "nginx", balancing(ports, front), f"{url}/healthz"):
            yield Cluster(nodes, url, folder, database_url)
    finally:
        for node in nodes:
            node.kill()
