"""`studio-action migrate`, as a job runs it before the servers of a new release start."""

from __future__ import annotations

import os
import subprocess

from studio_action.server.db import database
from tests.server.running import PATIENCE, PROGRAM


def start(database_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, "migrate"],
        env={"PATH": os.environ["PATH"], "STUDIO_ACTION_DATABASE": database_url},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_migrate__two_at_once(database_url: str) -> None:
    jobs = [start(database_url) for _ in range(2)]

    said = [job.communicate(timeout=PATIENCE)[1] for job in jobs]

    engine = database.open_engine(database_url)
    assert database.ready(engine)
    assert said == [f"The database has the schema {database.revision(engine)}.\n"] * 2
    assert [job.returncode for job in jobs] == [0, 0]
    engine.dispose()


def test_migrate__a_database_that_is_down() -> None:
    job = start("postgresql://nobody@127.0.0.1:1/registry")

    _, said = job.communicate(timeout=PATIENCE)

    assert job.returncode == 13
    assert said.count("\n") == 1
