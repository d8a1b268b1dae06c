"""Tokens in the database: made, checked, listed, revoked.

A token's text is `isat_`, the 16 hexadecimal digits of its id and 48 of a secret. Of the text only
the SHA-256 is kept: 192 random bits cannot be guessed, so that nothing slower is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Engine, Row, func, insert, or_, select, update

from studio_action.errors import StudioActionError, TokenRefused
from studio_action.server.access import Scope, Token
from studio_action.server.db.database import reading, writing
from studio_action.server.db.schema import tokens

_TEXT = re.compile(r"isat_(?P<id>[0-9a-f]{16})[0-9a-f]{48}")
_ID = re.compile(r"[0-9a-f]{16}")
_SHOWN = [column for column in tokens.c if column.name != "digest"]
_NOTED = timedelta(minutes=1)
"""How exactly it is known when a token was last used."""
_HASTE = 0.2
"""Seconds that a request waits at most to write that down."""

Reason = Literal["unknown", "wrong", "expired", "revoked"]


class InvalidToken(TokenRefused):
    """The token opens nothing; `reason` is for the log only, and `id` is the token's if it has one.

    Callers learn no more than that, whatever the reason.
    """

    def __init__(self, reason: Reason, id: str = "") -> None:
        super().__init__("Invalid token.")
        self.reason = reason
        self.id = id


class Tokens:
    """The tokens of one database. `random` gives so many random bytes."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._engine = engine
        self._now = now
        self._random = random
        self._noted: dict[str, datetime] = {}

    def create(
        self,
        name: str,
        *,
        scopes: Collection[Scope],
        teams: Collection[str] = (),
        repositories: Collection[str] = (),
        all_repositories: bool = False,
        expires: datetime | None,
    ) -> tuple[str, Token]:
        """Make a token; its text is returned with it, and can never be read again."""
        id = self._random(8).hex()
        text = f"isat_{id}{self._random(24).hex()}"
        token = Token(
            id=id,
            name=name,
            scopes=frozenset(scopes),
            teams=frozenset(teams),
            repositories=frozenset(repositories),
            all_repositories=all_repositories,
            created=self._now(),
            expires=expires,
        )
        with writing(self._engine) as connection:
            connection.execute(insert(tokens).values(digest=_digest(text), **_row(token)))
        return text, token

    def of(self, text: str) -> Token:
        """The token of this text, whose use is noted; raises `InvalidToken`."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise InvalidToken("unknown")
        with reading(self._engine) as connection:
            row = connection.execute(select(tokens).where(tokens.c.id == found["id"])).first()
        if row is None:
            raise InvalidToken("unknown")
        if not hmac.compare_digest(row.digest, _digest(text)):
            raise InvalidToken("wrong", row.id)
        now, token = self._now(), _token(row)
        if not token.valid(now):
            raise InvalidToken("revoked" if token.revoked else "expired", token.id)
        self._note(token, now)
        return token

    def by_id(self, id: str) -> Token | None:
        """The token of this id, which may be any text; valid or not."""
        if not _ID.fullmatch(id):
            return None
        with reading(self._engine) as connection:
            row = connection.execute(select(*_SHOWN).where(tokens.c.id == id)).first()
        return None if row is None else _token(row)

    def all(self) -> Sequence[Token]:
        """Every token, the oldest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(*_SHOWN).order_by(tokens.c.created, tokens.c.id))
            return [_token(row) for row in rows]

    def revoke(self, id: str) -> bool:
        """End a token at once, and for good; whether there is one of this id, which is any text."""
        if not _ID.fullmatch(id):
            return False
        ended = func.coalesce(tokens.c.revoked, self._now())
        with writing(self._engine) as connection:
            changed = connection.execute(
                update(tokens).where(tokens.c.id == id).values(revoked=ended)
            )
            return changed.rowcount == 1

    def _note(self, token: Token, now: datetime) -> None:
        """Write down the use, at most once a minute; a database that cannot is no reason to fail.

        Each process tries at most once a minute, too, so that one that fails is not asked always.
        """
        before = now - _NOTED
        last = max(filter(None, (token.last_used, self._noted.get(token.id))), default=None)
        if last is not None and last > before:
            return
        self._noted[token.id] = now
        unnoted = or_(tokens.c.last_used.is_(None), tokens.c.last_used <= before)
        statement = update(tokens).where(tokens.c.id == token.id, unnoted).values(last_used=now)
        try:
            with writing(self._engine, _HASTE) as connection:
                connection.execute(statement)
        except StudioActionError:
            pass


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _row(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "teams": sorted(token.teams),
        "repositories": sorted(token.repositories),
        "all_repositories": token.all_repositories,
        "created": token.created,
        "expires": token.expires,
    }


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes),
        teams=frozenset(row.teams),
        repositories=frozenset(row.repositories),
        all_repositories=row.all_repositories,
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        last_used=row.last_used,
    )
