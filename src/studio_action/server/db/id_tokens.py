"""Which ID tokens were exchanged already, so that none counts twice, whichever process gets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from studio_action.server.db.database import writing
from studio_action.server.db.schema import tokens, used_id_tokens
from studio_action.server.db.store import Store

_CLEANUP = timedelta(minutes=10)
"""How often a process deletes what has expired."""
_KEPT = timedelta(days=1)
"""How long expired tokens stay, so that logs and lists can say what they were."""
_MARGIN = timedelta(minutes=5)
"""How long the identity of an expired ID token stays: longer than clocks may differ."""


@dataclass(slots=True)
class UsedIdTokens(Store):
    """The used ID tokens of one database."""

    _cleaned: datetime | None = field(default=None, init=False)

    def use(self, identity: bytes, expires: datetime) -> bool:
        """Record the use of an ID token; return False if it was used before."""
        self._clean_up()
        row = {"identity": identity, "expires": expires}
        try:
            with writing(self.engine) as connection:
                connection.execute(insert(used_id_tokens).values(row))
        except IntegrityError:
            return False
        return True

    def _clean_up(self) -> None:
        """Delete what has expired: used ID tokens, and tokens that were given for some."""
        now = self.now()
        if self._cleaned is not None and now < self._cleaned + _CLEANUP:
            return
        self._cleaned = now
        exchanged = tokens.c.issuer.is_not(None)
        with writing(self.engine) as connection:
            past = used_id_tokens.c.expires < now - _MARGIN
            connection.execute(delete(used_id_tokens).where(past))
            connection.execute(delete(tokens).where(exchanged, tokens.c.expires < now - _KEPT))
