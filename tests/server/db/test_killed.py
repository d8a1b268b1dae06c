"""What was said to be there is there, at whatever moment a process or the database is killed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest

from studio_action.server.db import database
from studio_action.server.db.projects import ProjectDraft, Projects
from studio_action.server.db.tokens import Tokens
from tests.servers.postgres import Postgres

MOMENTS = (0, 1, 2, 3, 17, 60)
"""After how many reports the end comes."""


@dataclass(slots=True)
class Reported:
    """What processes have said to be in the database, over all rounds."""

    tokens: set[str] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)
    killed: int = 0

    def take(self, line: str) -> None:
        report = json.loads(line)
        self.tokens |= {report["token"]} if "token" in report else set()
        self.projects |= {report["project"]} if "project" in report else set()

    @property
    def count(self) -> int:
        return len(self.tokens) + len(self.projects)


@contextlib.contextmanager
def writing(url: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes into the database until it dies."""
    command = [sys.executable, "-m", "tests.server.writer", url]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        yield process
        process.kill()


def kill_while_writing(
    url: str, moment: int, reported: Reported, kill: Callable[[int], None]
) -> None:
    """One round: `kill`, which gets the process's id, is called after `moment` reports."""
    with writing(url) as process:
        assert process.stdout is not None
        for _ in range(moment):
            reported.take(process.stdout.readline())
        kill(process.pid)
        for line in process.stdout.read().splitlines():
            reported.take(line)
    reported.killed += 1


def assert_all_there(url: str, reported: Reported) -> None:
    """Everything that was reported is there, whole; at most what each was killed in besides."""
    engine = database.open_engine(url)
    database.migrate(engine)
    assert database.ready(engine)
    now = datetime.now(timezone.utc)
    tokens, projects = Tokens(engine, lambda: now), Projects(engine, lambda: now)
    assert {tokens.authenticate(text).name for text in reported.tokens} <= {"ci"}
    found = {each.id: each for each in projects.all()}
    assert reported.projects <= found.keys()
    assert {(each.owner, each.repository) for each in found.values()} <= {
        ("team/ml", "acme/models")
    }
    there = len(found) + len(tokens.all())
    assert reported.count <= there <= reported.count + reported.killed
    engine.dispose()


def assert_still_good(url: str) -> None:
    """The database takes more, and SQLite's file is sound."""
    engine = database.open_engine(url)
    new = ProjectDraft("more", "user/ci", "acme/models", "https://github.com/acme/models.git")
    assert Projects(engine, lambda: datetime.now(timezone.utc)).create(new)[1]
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    engine.dispose()


def test_a_process_is_killed(database_url: str) -> None:
    reported = Reported()
    for moment in MOMENTS:
        kill_while_writing(database_url, moment, reported, lambda pid: os.kill(pid, 9))
        assert_all_there(database_url, reported)
    assert reported.count >= sum(MOMENTS) - len(MOMENTS)
    assert_still_good(database_url)


@pytest.mark.servers
def test_the_database_is_killed(postgres_server: Postgres) -> None:
    url, reported = postgres_server.create_database(), Reported()
    for moment in (2, 17):
        kill_while_writing(url, moment, reported, lambda _pid: postgres_server.kill())
        postgres_server.start()
        assert_all_there(url, reported)
    assert_still_good(url)
    postgres_server.drop_database(url)
