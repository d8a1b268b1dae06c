"""The keys of the trusted issuers, as this process knows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from studio_action.errors import StudioActionError, Unreachable
from studio_action.server.log import Log
from studio_action.server.token_exchange.issuer_keys import IssuerKey, find_key

FRESH = 3600.0
"""The seconds after which keys are fetched again."""
STALE = 24 * 3600.0
"""The seconds for which known keys count while their issuer is down."""
PAUSE = 30.0
"""The fewest seconds between two fetches from one issuer, whatever key ids tokens have."""
_PATIENCE = 15.0
"""The seconds to wait for another thread that is fetching the keys."""


class KeyCache:
    """Keys by issuer; `fetch` gets those of an issuer's URL, and `now` returns seconds."""

    def __init__(
        self,
        issuers: Sequence[str],
        fetch: Callable[[str], tuple[IssuerKey, ...]],
        now: Callable[[], float],
        log: Log,
    ) -> None:
        self._known = {issuer: _Known() for issuer in issuers}
        self._fetch, self._now, self._log = fetch, now, log

    def find(self, issuer: str, kid: str, algorithm: str) -> IssuerKey | None:
        """Return the issuer's key of this id for this algorithm; None if it has none.

        Raise `Unreachable` if nobody can know now: the issuer is down, or was asked just before.
        """
        known = self._known[issuer]
        key = self._usable(known, kid, algorithm)
        if key is not None and self._now() < known.fetched + FRESH:
            return key
        if not known.lock.acquire(timeout=0 if key else _PATIENCE):
            if key is None:
                raise Unreachable(f"{issuer} takes long to give its keys", "Try again")
            return key  # another thread is fetching
        try:
            self._renew(issuer, known, self._usable(known, kid, algorithm))
        finally:
            known.lock.release()
        key = self._usable(known, kid, algorithm)
        if key is None and known.fetched != known.tried:
            raise Unreachable(
                f"the keys of {issuer} cannot be read now", "Try again in half a minute"
            )
        return key

    def _usable(self, known: _Known, kid: str, algorithm: str) -> IssuerKey | None:
        is_usable = self._now() < known.fetched + STALE
        return find_key(known.keys, kid, algorithm) if is_usable else None

    def _renew(self, issuer: str, known: _Known, key: IssuerKey | None) -> None:
        """Fetch the keys, unless `key` is fresh by now or the last fetch was just before."""
        now = self._now()
        if key is not None and now < known.fetched + FRESH:
            return
        if now < known.tried + PAUSE:
            if key is None:
                raise Unreachable(
                    f"{issuer} may have a new key; its keys were requested a moment ago",
                    "Try again in half a minute",
                )
            return
        known.tried = now
        try:
            known.keys = self._fetch(issuer)
            known.fetched = now
        except StudioActionError as error:
            self._log("an issuer's keys cannot be read", level="warning", error=str(error))


@dataclass(slots=True)
class _Known:
    """What is known of one issuer: when its keys were last asked for, and when it gave them."""

    keys: tuple[IssuerKey, ...] = ()
    tried: float = -math.inf
    fetched: float = -math.inf
    lock: Lock = field(default_factory=Lock)
