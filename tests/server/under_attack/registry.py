"""A server as people start it, of some repositories, with tokens and clients of it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import requests

from studio_action.server.access import Scope
from studio_action.server.db import database
from studio_action.server.db.tokens import Tokens
from tests.server.running import Running, started

ANYTHING: tuple[Scope, ...] = ("model-registry", "project")


@dataclass
class Registry:
    """The server in a folder, while it runs."""

    folder: Path
    server: Running

    @property
    def url(self) -> str:
        return self.server.url

    def token(
        self,
        *repositories: str,
        teams: Collection[str] = (),
        scopes: Collection[Scope] = ANYTHING,
        all_repositories: bool = False,
        name: str = "ci",
    ) -> str:
        """The text of a new token."""
        engine = database.open_engine(f"sqlite:///{self.folder / 'data/registry.db'}")
        text, _ = Tokens(engine, lambda: datetime.now(timezone.utc)).create(
            name,
            scopes=scopes,
            teams=teams,
            repositories=repositories,
            all_repositories=all_repositories,
            expires=None,
        )
        engine.dispose()
        return text

    def ask(self, endpoint: str, token: str, **query: str) -> requests.Response:
        """GET an endpoint of the model registry."""
        url = f"{self.url}/api/model-registry/{endpoint}"
        headers = {"Authorization": f"token {token}"}
        return requests.get(url, params=query, headers=headers, timeout=60)

    def browser(self, token: str) -> requests.Session:
        """A browser that logged in."""
        browser = requests.Session()
        browser.headers["Sec-Fetch-Site"] = "same-origin"
        login = f"{self.url}/login"
        answer = browser.post(login, data={"token": token}, timeout=60, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return browser

    def peak(self) -> int:
        """The most memory that the process had so far, in megabytes."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) // 1000


@contextmanager
def registry(
    folder: Path, repositories: Mapping[str, Any], **entries: object
) -> Iterator[Registry]:
    """A server of repositories, each a folder or what its entry says, by name."""
    listed = [
        {"name": name, **(entry if isinstance(entry, dict) else {"url": str(entry)})}
        for name, entry in repositories.items()
    ]
    with started(
        folder, repositories=listed, **{"requests_per_minute": 1_000_000, **entries}
    ) as server:
        yield Registry(folder, server)


@dataclass
class Patience:
    """How long somebody else had to wait for each answer, in seconds, from shortest to longest."""

    waits: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return sorted(self.waits)[len(self.waits) * 99 // 100]


@contextmanager
def somebody_else(ask: Callable[[], requests.Response]) -> Iterator[Patience]:
    """Let somebody else ask all the time, and be answered with 200, until the block ends."""
    found, over = Patience(), threading.Event()
    failed: list[object] = []

    def keep_asking() -> None:
        while not over.is_set() and not failed:
            began = time.perf_counter()
            try:
                answer = ask()
            except requests.RequestException as error:
                failed.append(error)
                return
            found.waits.append(time.perf_counter() - began)
            if answer.status_code != 200:
                failed.append((answer.status_code, answer.text))

    thread = threading.Thread(target=keep_asking)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
    assert failed == []
    assert found.waits
