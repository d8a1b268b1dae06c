"""Who was told of which version, as lines and in the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.requests import Request

from studio_action.errors import Unreachable
from studio_action.model.artifact import ArtifactRef, AtStage, ModelName, Resolution
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Token
from studio_action.server.audit import AuditLog
from studio_action.server.db import database
from studio_action.server.db.audit import AuditEntries, AuditEntry
from tests.server.answering import Api, answering
from tests.server.calendar import Calendar
from tests.server.lines import Lines

REQUESTED = "model requested"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with answering(tmp_path) as running:
        yield running


def rows(api: Api) -> list[AuditEntry]:
    api.services.audit.flush()
    return list(AuditEntries(api.services.engine, api.calendar).newest(10))


@pytest.mark.parametrize("endpoint", ["get-download-uris", "resolve"])
def test_answer__is_a_line_and_a_row(api: Api, endpoint: str) -> None:
    token = api.token(name="deploy")

    assert api.ask(endpoint, token, stage="prod").status_code == 200

    api.lines.wait_for(REQUESTED)
    (line,) = [line for line in api.lines.all if line["message"] == REQUESTED]
    (row,) = rows(api)
    assert (row.action, row.token_name, row.client) == (endpoint, "deploy", "127.0.0.1")
    assert (row.repository, row.model, row.version) == ("acme/models", "churn", line["version"])
    assert (row.issuer, row.claims) == (None, None)
    for name in ("action", "token_id", "token_name", "client", "repository", "model", "version"):
        assert line[name] == getattr(row, name)
    assert "claims" not in line
    assert token not in api.lines.text


def test_refusal__is_neither(api: Api) -> None:
    assert api.ask("resolve", "isat_" + "0" * 64).status_code == 401
    assert api.ask("resolve", repo="acme/none").status_code == 404

    assert REQUESTED not in api.lines.text
    assert rows(api) == []


def test_claims__say_which_job_it_was(api: Api) -> None:
    claims = {"repository": "acme/app", "run_id": "7", "actor": "eve\nmallory"}
    text, _ = api.services.tokens.create(
        "github:acme/app",
        scopes=["model-registry"],
        all_repositories=True,
        expires=api.calendar() + timedelta(minutes=15),
        issuer="https://ci.example.org",
        claims=claims,
    )

    assert api.ask("resolve", text).status_code == 200

    (row,) = rows(api)
    assert (row.issuer, row.claims) == ("https://ci.example.org", claims)
    (line,) = [line for line in api.lines.all if line["message"] == REQUESTED]
    assert line["issuer"] == "https://ci.example.org"
    assert "run_id=7" in line["claims"]


class Failing(AuditEntries):
    """A database that does not always answer."""

    fails = True

    def add(self, entries: Any) -> None:
        if self.fails:
            raise Unreachable("the database is down")
        super().add(entries)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = database.open_engine(f"sqlite:///{tmp_path}/registry.db")
    database.migrate(engine)
    yield engine
    engine.dispose()


def record(audit: AuditLog, version: str) -> None:
    calendar = Calendar()
    request = Request(
        {"type": "http", "path": "/api/model-registry/resolve", "client": ("::1", 1), "headers": []}
    )
    token = Token("0" * 16, "ci", frozenset(), frozenset(), frozenset(), True, created=calendar())
    artifact = ArtifactRef(RepositoryUrl.parse("acme/models"), ModelName.parse("churn"))
    found = Resolution(artifact, AtStage.parse("prod"), "git", (), version)
    audit.record(request, token, "acme/models", found)


def test_database_down__entries_wait_in_their_order(engine: Engine) -> None:
    entries, lines = Failing(engine, Calendar()), Lines()
    audit = AuditLog(lines.log, entries)
    for number in range(3):
        record(audit, f"v{number}.0.0")

    with pytest.raises(Unreachable):
        audit.flush()
    entries.fails = False
    record(audit, "v3.0.0")
    audit.flush()

    assert {each.version for each in entries.newest(10)} == {f"v{n}.0.0" for n in range(4)}


def test_stop__what_waits_is_written_and_a_failure_is_a_line(engine: Engine) -> None:
    entries, lines = AuditEntries(engine, Calendar()), Lines()
    audit = AuditLog(lines.log, entries)
    audit.start()
    record(audit, "v1.0.0")
    audit.stop()
    assert [each.version for each in entries.newest(10)] == ["v1.0.0"]

    failing = AuditLog(lines.log, Failing(engine, Calendar()))
    failing.start()
    record(failing, "v1.0.0")
    failing.stop()
    (line,) = [line for line in lines.all if line["level"] == "warning"]
    assert (line["waiting"], line["error"]) == (1, "the database is down")


def test_retention__older_entries_go(engine: Engine) -> None:
    calendar = Calendar()
    entries, lines, seconds = AuditEntries(engine, calendar), Lines(), [0.0]
    audit = AuditLog(lines.log, entries, timedelta(days=30), lambda: seconds[0])
    record(audit, "v1.0.0")
    audit.flush()

    calendar.moment = lines.log.utc() + timedelta(days=30, seconds=1)
    seconds[0] += 3600
    audit.flush()

    assert entries.newest(10) == []
