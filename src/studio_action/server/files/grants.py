"""Whether the token that a signed URL was made for may still read the repository.

A token that expires leaves its URLs, which are valid for an hour at most: one of fifteen minutes
may have asked for a large model. One that was revoked, or lost the repository, takes them along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from studio_action.errors import StudioActionError
from studio_action.server.access import Token
from studio_action.server.links import Grant
from studio_action.server.settings import ServedRepository

_CACHED_FOR = timedelta(seconds=1)
"""How long a token is not looked up again, so how late a revocation may take effect."""
_TRUSTED_FOR = timedelta(minutes=1)
"""How long a token counts as it was last seen while the database fails, as signing keys do."""
_MOST_CACHED = 1000


@dataclass(slots=True)
class Grants:
    """The grants of one process; `find_token` returns the token of an id, None if there is none.

    Safe to use from any thread.
    """

    repositories: Mapping[str, ServedRepository]
    find_token: Callable[[str], Token | None]
    utc: Callable[[], datetime]
    _cache: dict[str, tuple[Token | None, datetime]] = field(default_factory=dict, init=False)

    @classmethod
    def of(
        cls,
        repositories: Iterable[ServedRepository],
        find_token: Callable[[str], Token | None],
        utc: Callable[[], datetime],
    ) -> Grants:
        """Return the grants of a server of these repositories."""
        return cls({each.name: each for each in repositories}, find_token, utc)

    def may_read(self, grant: Grant) -> bool:
        """Return whether the token still may; raise `Unreachable` if the database fails."""
        repository = self.repositories.get(grant.repository)
        token = self._token(grant.token)
        if repository is None or token is None:
            return False
        return token.revoked is None and token.reads(repository)

    def _token(self, id: str) -> Token | None:
        now = self.utc()
        token, seen = self._cache.get(id, (None, None))
        if seen is not None and now - _CACHED_FOR < seen <= now:
            return token
        try:
            token = self.find_token(id)
        except StudioActionError:
            if seen is not None and now - _TRUSTED_FOR < seen <= now:
                return token
            raise
        if len(self._cache) >= _MOST_CACHED:
            self._cache.clear()
        self._cache[id] = token, now
        return token
