from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from studio_action.server.db.audit import AuditEntries, AuditEntry
from tests.server.calendar import Calendar

ENTRY = AuditEntry(
    time=Calendar()(),
    action="resolve",
    client="10.0.0.7",
    token_id="0" * 16,
    token_name="github:acme/models:refs/heads/main",
    issuer="https://token.actions.githubusercontent.com",
    claims={"repository": "acme/models", "run_id": "7"},
    repository="acme/models",
    model="churn",
    version="v1.2.0",
    stage="prod",
    revision="a" * 40,
)
BY_HAND = replace(
    ENTRY,
    time=ENTRY.time + timedelta(hours=1),
    token_name="ci",
    issuer=None,
    claims=None,
    model="spam",
    stage="",
)


@pytest.fixture
def entries(engine: Engine) -> AuditEntries:
    return AuditEntries(engine, Calendar())


def test_newest__is_what_was_added(entries: AuditEntries) -> None:
    entries.add([ENTRY, BY_HAND])

    assert entries.newest(10) == [BY_HAND, ENTRY]
    assert entries.newest(1) == [BY_HAND]


def test_newest__of_one_model_and_time(entries: AuditEntries) -> None:
    entries.add([ENTRY, BY_HAND])

    assert entries.newest(10, model="churn") == [ENTRY]
    assert entries.newest(10, repository="acme/other") == []
    assert entries.newest(10, since=BY_HAND.time) == [BY_HAND]


def test_delete_before__keeps_what_is_as_old(entries: AuditEntries) -> None:
    entries.add([ENTRY, BY_HAND])

    entries.delete_before(BY_HAND.time)

    assert entries.newest(10) == [BY_HAND]
