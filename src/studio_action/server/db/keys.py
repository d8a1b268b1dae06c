"""The keys that sign URLs and log-ins: shared by all processes, a new one every week."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select

from studio_action.server.db.database import reading, take_turns, writing
from studio_action.server.db.schema import signing_keys
from studio_action.server.links import Key

SIGNS_FOR = timedelta(days=7)
KEPT_FOR = SIGNS_FOR + timedelta(days=1)
"""Longer than anything is good that was signed at the last moment: a log-in lasts 12 hours."""
_CACHED_FOR = timedelta(minutes=1)
_ID = re.compile(r"[0-9a-f]{16}")


class SigningKeys:
    """The keys of one database, as they were a minute ago or later. `random` gives bytes."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._engine = engine
        self._now = now
        self._random = random
        self._known = _Known({}, None)

    def current(self) -> Key:
        """The key to sign with."""
        now = self._now()
        known = self._known if self._known.fresh(now) else self._read(now)
        return known.signing(now) or self._renew(now)

    def secret(self, id: str) -> bytes | None:
        """The secret of the key of this id, which may be any text; None if it is not kept."""
        if not _ID.fullmatch(id):
            return None
        now, known = self._now(), self._known
        if not known.fresh(now) or id not in known.keys:  # another process may have made it
            known = self._read(now)
        found = known.keys.get(id)
        return None if found is None or now >= found.created + KEPT_FOR else found.secret

    def _read(self, now: datetime) -> _Known:
        with reading(self._engine) as connection:
            self._known = _Known.of(connection, now)
        return self._known

    def _renew(self, now: datetime) -> Key:
        """A new key, unless another process has just made one; those past use are dropped."""
        with writing(self._engine) as connection:
            take_turns(connection)
            key = _Known.of(connection, now).signing(now)
            if key is None:
                key = Key(self._random(8).hex(), self._random(32))
                row = {"id": key.id, "secret": key.secret, "created": now}
                connection.execute(insert(signing_keys).values(row))
            past = signing_keys.c.created <= now - KEPT_FOR
            connection.execute(delete(signing_keys).where(past))
            known = _Known.of(connection, now)
        self._known = known
        return key


@dataclass(frozen=True, slots=True)
class _Known:
    """The rows of the table by id, as they were at one moment; None if they were never read."""

    keys: Mapping[str, Row[Any]] = field(repr=False)
    moment: datetime | None

    @classmethod
    def of(cls, connection: Connection, now: datetime) -> _Known:
        rows = connection.execute(select(signing_keys))
        return cls({row.id: row for row in rows}, now)

    def fresh(self, now: datetime) -> bool:
        return self.moment is not None and now < self.moment + _CACHED_FOR

    def signing(self, now: datetime) -> Key | None:
        """The newest key, if something may still be signed with it."""
        newest = max(self.keys.values(), key=lambda row: row.created, default=None)
        if newest is None or now >= newest.created + SIGNS_FOR:
            return None
        return Key(newest.id, newest.secret)
