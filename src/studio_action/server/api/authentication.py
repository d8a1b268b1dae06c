"""Who asks: the token that a request bears, read word for word as Django REST framework does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from studio_action.server.access import Scope, Token
from studio_action.server.api.answers import Refused, refused
from studio_action.server.db.tokens import InvalidToken, Tokens

_BELIEVED = timedelta(seconds=1)
"""How long a token that was found good is not looked up again: so soon a revocation is known."""
_MOST_KNOWN = 1000


class Callers:
    """Tells who calls; each process remembers for a second whom the database knew."""

    def __init__(self, tokens: Tokens, utc: Callable[[], datetime]) -> None:
        self._tokens, self._utc = tokens, utc
        self._known: dict[str, tuple[Token, datetime]] = {}

    async def of(self, request: Request, scope: Scope) -> Token:
        """The token that the request bears, which is for `scope`; raises `Refused`: 401 or 403.

        It is in the request's state from then on, or why it was refused, for the log.
        """
        text = token_text(request.headers.get("authorization", ""))
        try:
            token = self._remembered(text)
            if token is None:
                token = await run_in_threadpool(self._looked_up, text)
        except InvalidToken as error:
            request.state.refused = error.reason
            raise unauthorised("Invalid token.") from None
        request.state.token = token
        if scope not in token.scopes:
            raise refused(403, "You do not have permission to perform this action.")
        return token

    def _remembered(self, text: str) -> Token | None:
        now = self._utc()
        token, found = self._known.get(text, (None, now))
        fresh = now - _BELIEVED < found <= now
        return token if token is not None and fresh and token.valid(now) else None

    def _looked_up(self, text: str) -> Token:
        now = self._utc()
        self._known.pop(text, None)
        token = self._tokens.of(text)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[text] = (token, now)
        return token


def token_text(header: str) -> str:
    """The token in an `Authorization` header; raises `Refused`."""
    words = header.split()
    if not words or words[0].lower() not in ("token", "bearer"):
        _refuse("Authentication credentials were not provided.")
    if len(words) == 1:
        _refuse("Invalid token header. No credentials provided.")
    if len(words) > 2:
        _refuse("Invalid token header. Token string should not contain spaces.")
    if not words[1].isascii():
        _refuse("Invalid token header. Token string should not contain invalid characters.")
    return words[1]


def unauthorised(detail: str) -> Refused:
    """401, with the header that says how to do better."""
    return refused(401, detail, WWW_Authenticate="Token")


def _refuse(detail: str) -> NoReturn:
    raise unauthorised(detail)
