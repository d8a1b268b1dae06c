"""Access tokens in the database.

A token's text is `isat_`, the 16 hexadecimal digits of its id and 48 of a secret. The database
keeps its SHA-256 alone; no slower hash is needed, because nobody can guess 192 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, func, insert, or_, select, update

from studio_action.errors import StudioActionError, TokenRefused
from studio_action.server.access import Scope, Token
from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import tokens
from studio_action.server.db.store import Store

_TEXT = re.compile(r"isat_(?P<id>[0-9a-f]{16})[0-9a-f]{48}")
_ID = re.compile(r"[0-9a-f]{16}")
_WITHOUT_DIGEST = [column for column in tokens.c if column.name != "digest"]
_TOKEN_COLUMNS = [column.name for column in _WITHOUT_DIGEST]
_LAST_USED_STEP = timedelta(minutes=1)
"""How exactly the time of the last use is recorded."""
_LAST_USED_PATIENCE = 0.2
"""The seconds that a request may wait to record it."""

Reason = Literal["unknown", "wrong", "expired", "revoked"]


class InvalidToken(TokenRefused):
    """The token is not valid. `reason` and `id`, '' if unknown, are for the log only.

    The message is the same for every reason, so that clients learn nothing from it.
    """

    def __init__(self, reason: Reason, id: str = "") -> None:
        super().__init__("Invalid token.")
        self.reason = reason
        self.id = id


@dataclass(slots=True)
class Tokens(Store):
    """The tokens of one database."""

    _recorded: dict[str, datetime] = field(default_factory=dict, init=False)
    """When this process last recorded the use of a token, by the token's id."""

    def create(
        self,
        name: str,
        *,
        scopes: Collection[Scope],
        teams: Collection[str] = (),
        repositories: Collection[str] = (),
        all_repositories: bool = False,
        expires: datetime | None,
        issuer: str | None = None,
        claims: Mapping[str, str] | None = None,
    ) -> tuple[str, Token]:
        """Create a token; return its text, which is not kept, and the token."""
        id = self.random(8).hex()
        text = f"isat_{id}{self.random(24).hex()}"
        token = Token(
            id=id,
            name=name,
            scopes=frozenset(scopes),
            teams=frozenset(teams),
            repositories=frozenset(repositories),
            all_repositories=all_repositories,
            created=self.now(),
            expires=expires,
            issuer=issuer,
            claims=claims,
        )
        with writing(self.engine) as connection:
            connection.execute(insert(tokens).values(digest=_digest(text), **token.values()))
        return text, token

    def authenticate(self, text: str) -> Token:
        """Return the token of this text and record its use; raise `InvalidToken` if not valid."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise InvalidToken("unknown")
        with reading(self.engine) as connection:
            row = connection.execute(select(tokens).where(tokens.c.id == match["id"])).first()
        if row is None:
            raise InvalidToken("unknown")
        if not hmac.compare_digest(row.digest, _digest(text)):
            raise InvalidToken("wrong", row.id)
        now, token = self.now(), _token(row)
        if not token.valid(now):
            raise InvalidToken("revoked" if token.revoked else "expired", token.id)
        self._record_use(token, now)
        return token

    def by_id(self, id: str) -> Token | None:
        """Return the token of an id, which may be any text; None if there is none."""
        if not _ID.fullmatch(id):
            return None
        with reading(self.engine) as connection:
            row = connection.execute(select(*_WITHOUT_DIGEST).where(tokens.c.id == id)).first()
        return None if row is None else _token(row)

    def all(self) -> Sequence[Token]:
        """Return all tokens, oldest first."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(*_WITHOUT_DIGEST).order_by(tokens.c.created, tokens.c.id)
            )
            return [_token(row) for row in rows]

    def revoke(self, id: str) -> bool:
        """Revoke the token of an id, which may be any text; return whether there is one."""
        if not _ID.fullmatch(id):
            return False
        ended = func.coalesce(tokens.c.revoked, self.now())
        with writing(self.engine) as connection:
            changed = connection.execute(
                update(tokens).where(tokens.c.id == id).values(revoked=ended)
            )
            return changed.rowcount == 1

    def _record_use(self, token: Token, now: datetime) -> None:
        """Record the use at most once a minute; ignore errors of the database.

        A process tries at most once a minute, so that a failing database slows few requests.
        """
        before = now - _LAST_USED_STEP
        last = max(filter(None, (token.last_used, self._recorded.get(token.id))), default=None)
        if last is not None and last > before:
            return
        self._recorded[token.id] = now
        not_recorded = or_(tokens.c.last_used.is_(None), tokens.c.last_used <= before)
        statement = (
            update(tokens).where(tokens.c.id == token.id, not_recorded).values(last_used=now)
        )
        try:
            with writing(self.engine, _LAST_USED_PATIENCE) as connection:
                connection.execute(statement)
        except StudioActionError:
            pass


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _token(row: Row[Any]) -> Token:
    return Token.from_values({name: row._mapping[name] for name in _TOKEN_COLUMNS})
