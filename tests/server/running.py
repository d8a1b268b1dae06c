"""The server as its own process, as people start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from studio_action.server.db import database
from studio_action.server.db.tokens import Tokens

PROGRAM = Path(sys.executable).with_name("studio-action")
PATIENCE = 60.0
"""Seconds that anything may take on a busy machine."""


class Running:
    """A server that was started; its log is read as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.other: list[str] = []
        self._written = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @cached_property
    def url(self) -> str:
        return str(self.wait_for("listening")["url"])

    def kill(self) -> None:
        """End it without a chance to clean up; its workers notice."""
        self.process.kill()
        self.end()

    def wait_for(self, message: str, count: int = 1) -> dict[str, Any]:
        """The so manieth line of its log with this message."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines if line["message"] == message]

        def over() -> bool:
            return len(found()) >= count or not self._reader.is_alive()

        with self._written:
            self._written.wait_for(over, PATIENCE)
            assert len(found()) >= count, (message, self.lines, self.other)
            return found()[count - 1]

    def end(self) -> int:
        """Its exit code, as a shell gives it, when it has ended."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code if code >= 0 else 128 - code

    @property
    def workers(self) -> set[int]:
        """The processes that answer."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in found.split() if b"spawn_main" in command_of(int(pid))}

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as log:
            for line in log:
                with self._written:
                    if line.startswith("{"):
                        self.lines.append(json.loads(line))
                    else:
                        self.other.append(line)
                    self._written.notify_all()
        with self._written:
            self._written.notify_all()


def command_of(pid: int) -> bytes:
    """The command line of a process, empty where there is none any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def token_of(folder: Path, database_url: str = "") -> str:
    """A new token, which may do all, for the server in this folder."""
    engine = database.open_engine(database_url or f"sqlite:///{folder / 'data/registry.db'}")
    text, _ = Tokens(engine, lambda: datetime.now(timezone.utc)).create(
        "tests", scopes=("model-registry", "project"), all_repositories=True, expires=None
    )
    engine.dispose()
    return text


@contextmanager
def started(
    folder: Path, *, workers: int = 1, database_url: str = "", **entries: object
) -> Iterator[Running]:
    """A server of one empty repository; `entries` are those of its configuration file.

    Its database is SQLite's in the folder unless `database_url` names another.
    """
    repository = folder / "repository.git"
    if not repository.exists():
        subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    (folder / "models").mkdir(exist_ok=True)
    document = {
        "data-dir": str(folder / "data"),
        "port": 0,
        "workers": workers,
        "folders": {"models": str(folder / "models")},
        "repositories": [{"name": "acme/models", "url": str(repository)}],
        **{name.replace("_", "-"): value for name, value in entries.items()},
    }
    file = folder / "server.yaml"
    file.write_text(yaml.safe_dump(document))
    running = Running(
        subprocess.Popen(
            [PROGRAM, "serve", "--config", file],
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "STUDIO_ACTION_DATABASE": database_url},
        )
    )
    try:
        running.wait_for("ready", workers)
        yield running
    finally:
        running.kill()


def until(true: Callable[[], bool]) -> bool:
    """Whether it becomes true in time."""
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        if true():
            return True
        time.sleep(0.02)  # of another process: no clock of ours tells when
    return False
