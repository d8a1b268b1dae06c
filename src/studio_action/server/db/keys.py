"""The keys that sign URLs and sessions: shared by all processes, renewed every week."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from studio_action.server.db.database import lock_exclusively, reading, writing
from studio_action.server.db.schema import signing_keys
from studio_action.server.db.store import Store
from studio_action.server.links import Key

SIGNS_FOR = timedelta(days=7)
KEPT_FOR = SIGNS_FOR + timedelta(days=1)
"""Longer than anything signed at the last moment is valid: a session lasts 12 hours."""
_CACHED_FOR = timedelta(minutes=1)
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(slots=True)
class SigningKeys(Store):
    """The signing keys of one database, cached for a minute."""

    _known: _Known = field(default_factory=lambda: _Known({}, None), init=False)

    def current(self) -> Key:
        """Return the key to sign with."""
        now = self.now()
        known = self._known if self._known.fresh(now) else self._read(now)
        return known.signing(now) or self._renew(now)

    def secret(self, id: str) -> bytes | None:
        """Return the secret of a key id, which may be any text; None if there is no such key."""
        if not _ID.fullmatch(id):
            return None
        now, known = self.now(), self._known
        if not known.fresh(now) or id not in known.keys:  # another process may have made it
            known = self._read(now)
        found = known.keys.get(id)
        return None if found is None or now >= found.created + KEPT_FOR else found.secret

    def _read(self, now: datetime) -> _Known:
        with reading(self.engine) as connection:
            self._known = _Known.read(connection, now)
        return self._known

    def _renew(self, now: datetime) -> Key:
        """Return a new key, or one that another process just made; delete keys past use."""
        with writing(self.engine) as connection:
            lock_exclusively(connection)
            key = _Known.read(connection, now).signing(now)
            if key is None:
                key = Key(self.random(8).hex(), self.random(32))
                row = {"id": key.id, "secret": key.secret, "created": now}
                connection.execute(insert(signing_keys).values(row))
            past = signing_keys.c.created <= now - KEPT_FOR
            connection.execute(delete(signing_keys).where(past))
            known = _Known.read(connection, now)
        self._known = known
        return key


@dataclass(frozen=True, slots=True)
class _Known:
    """The rows of the table by id, and when they were read; None if they never were."""

    keys: Mapping[str, Row[Any]] = field(repr=False)
    moment: datetime | None

    @classmethod
    def read(cls, connection: Connection, now: datetime) -> _Known:
        rows = connection.execute(select(signing_keys))
        return cls({row.id: row for row in rows}, now)

    def fresh(self, now: datetime) -> bool:
        """Return whether the cache is still valid at `now`."""
        return self.moment is not None and now < self.moment + _CACHED_FOR

    def signing(self, now: datetime) -> Key | None:
        """Return the newest key if it may still sign at `now`, else None."""
        newest = max(self.keys.values(), key=lambda row: row.created, default=None)
        if newest is None or now >= newest.created + SIGNS_FOR:
            return None
        return Key(newest.id, newest.secret)
