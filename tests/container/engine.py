"""The image under test, run by a real Docker engine."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 600
"""Seconds that a client's command may take; an image's build takes the longest."""
NO_WAY_OUT = {"HTTPS_PROXY": "http://127.0.0.1:1"}
"""Keeps a job on loopback: the repository's tags, at github.com, are not asked for."""
OWNER = (os.getuid(), os.getgid()) if os.getuid() else (1234, 2345)
"""Who a workspace belongs to: whoever runs the tests or, if that is root, somebody else."""


def docker(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the client; what it writes is returned, its exit code is the caller's to judge."""
    return subprocess.run(
        ["docker", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def answer(*arguments: str) -> str:
    """What the client writes when it must succeed."""
    done = docker(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class Image:
    """The image by its id, and the image it is built on."""

    name: str
    base: str

    def run(
        self,
        *command: str,
        workspace: Path | None = None,
        options: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """`docker run --rm` to its end, on the host's network, in `workspace` if there is one."""
        name = _fresh_name()
        given = _options(workspace, environ or {})
        try:
            return docker("run", "--rm", f"--name={name}", *given, *options, self.name, *command)
        except subprocess.TimeoutExpired:
            docker("rm", "--force", name)
            raise

    @contextmanager
    def running(
        self,
        *command: str,
        workspace: Path | None = None,
        options: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Iterator[str]:
        """The name of a container that runs as long as the block."""
        name = _fresh_name()
        given = _options(workspace, environ or {})
        answer("run", "--detach", f"--name={name}", *given, *options, self.name, *command)
        try:
            yield name
        finally:
            answer("rm", "--force", "--volumes", name)


def _options(workspace: Path | None, environ: Mapping[str, str]) -> list[str]:
    variables = [f"--env={name}={value}" for name, value in (NO_WAY_OUT | {**environ}).items()]
    folder = [f"--volume={workspace}:/workspace", "--workdir=/workspace"] if workspace else []
    return ["--network=host", *variables, *folder]


def _fresh_name() -> str:
    return f"studio-action-test-{uuid.uuid4().hex}"
