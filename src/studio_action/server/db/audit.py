"""The audit log in the database: who was told where a version of a model is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import delete, desc, insert, select

from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import audit
from studio_action.server.db.store import Store

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One answer that names a model's version.

    `action` is the last part of the endpoint's path. `client` is the address of whoever asked.
    `issuer` and `claims` say which CI job, or person, the token was given to; None for a token that
    somebody created. `version`, `stage` and `revision` are '' where there is none.
    """

    time: datetime
    action: str
    client: str
    token_id: str
    token_name: str
    issuer: str | None
    claims: Mapping[str, str] | None
    repository: str
    model: str
    version: str
    stage: str
    revision: str


_NAMES = [field.name for field in fields(AuditEntry)]
_COLUMNS = [audit.c[name] for name in _NAMES]


@dataclass(slots=True)
class AuditEntries(Store):
    """The audit log of one database."""

    def add(self, entries: Collection[AuditEntry]) -> None:
        """Add entries in one transaction; raise `Unreachable` if the database fails."""
        ids = self.random(_ID_BYTES * len(entries)).hex()
        step = 2 * _ID_BYTES
        rows = [
            {
                "id": ids[at * step : (at + 1) * step],
                **{name: getattr(each, name) for name in _NAMES},
            }
            for at, each in enumerate(entries)
        ]
        with writing(self.engine) as connection:
            connection.execute(insert(audit), rows)

    def newest(
        self,
        most: int,
        *,
        since: datetime | None = None,
        repository: str = "",
        model: str = "",
        revision: str = "",
    ) -> Sequence[AuditEntry]:
        """Return at most so many entries, the newest first; '' is every repository, and so on."""
        query = select(*_COLUMNS).order_by(desc(audit.c.time), audit.c.id).limit(most)
        if since is not None:
            query = query.where(audit.c.time >= since)
        if repository:
            query = query.where(audit.c.repository == repository)
        if model:
            query = query.where(audit.c.model == model)
        if revision:
            query = query.where(audit.c.revision == revision)
        with reading(self.engine) as connection:
            return [AuditEntry(**row) for row in connection.execute(query).mappings()]

    def delete_before(self, moment: datetime) -> None:
        """Delete the entries that are older; raise `Unreachable` if the database fails."""
        with writing(self.engine) as connection:
            connection.execute(delete(audit).where(audit.c.time < moment))
