"""Authentication by token, with the messages of Django REST framework."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from studio_action.server.access import Scope, Token
from studio_action.server.api.responses import ApiError, refused
from studio_action.server.db.tokens import InvalidToken, Tokens

_CACHE_TTL = timedelta(seconds=1)
"""How long a valid token is not looked up again, so how late a revocation may take effect."""
_MOST_CACHED = 1000
_THREADS = 16


class Authenticator:
    """Checks tokens against the database; each process caches valid ones for a second."""

    def __init__(self, tokens: Tokens, utc: Callable[[], datetime]) -> None:
        self._tokens, self._utc = tokens, utc
        self._cache: dict[str, tuple[Token, datetime]] = {}
        # Threads of their own, so that pages which wait for a repository delay no request.
        self._threads = CapacityLimiter(_THREADS)

    async def authenticate(self, request: Request, scope: Scope) -> Token:
        """Return the request's token; raise `ApiError`: 401 if invalid, 403 if it lacks `scope`.

        Put it in the request's state as `token`, or the reason of a 401 as `refused`, for the log.
        """
        text = parse_authorization(request.headers.get("authorization", ""))
        try:
            token = self._cached(text)
            if token is None:
                token = await to_thread.run_sync(self._look_up, text, limiter=self._threads)
        except InvalidToken as error:
            request.state.refused = error.reason
            raise unauthorized("Invalid token.") from None
        request.state.token = token
        if scope not in token.scopes:
            raise refused(403, "You do not have permission to perform this action.")
        return token

    def _cached(self, text: str) -> Token | None:
        now = self._utc()
        token, looked_up = self._cache.get(text, (None, now))
        fresh = now - _CACHE_TTL < looked_up <= now
        return token if token is not None and fresh and token.valid(now) else None

    def _look_up(self, text: str) -> Token:
        now = self._utc()
        self._cache.pop(text, None)
        token = self._tokens.authenticate(text)
        if len(self._cache) >= _MOST_CACHED:
            self._cache.clear()
        self._cache[text] = (token, now)
        return token


def parse_authorization(header: str) -> str:
    """Return the token in an `Authorization` header; raise `ApiError` (401) if there is none."""
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


def unauthorized(detail: str) -> ApiError:
    """Return a 401 with the `WWW-Authenticate` header."""
    return refused(401, detail, WWW_Authenticate="Token")


def _refuse(detail: str) -> NoReturn:
    raise unauthorized(detail)
