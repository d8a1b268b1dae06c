"""Access tokens, their scopes and the repositories that each may read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from studio_action.server.scopes import Scope as Scope
from studio_action.server.settings import ServedRepository


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its text, which is shown once, when the token is created.

    `name` says whose it is. It may read the named `repositories` and those of its `teams`, or all
    repositories if `all_repositories`. Times are in UTC. A token that was exchanged for an ID token
    has the URL of that one's `issuer`, and the `claims` of it that say which job has the token.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    teams: frozenset[str]
    repositories: frozenset[str]
    all_repositories: bool
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    last_used: datetime | None = None
    issuer: str | None = None
    claims: Mapping[str, str] | None = None

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Token:
        """Return the token with these values, as `values` returned them."""
        restored: dict[str, Any] = {
            name: frozenset(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**restored)

    def values(self) -> dict[str, Any]:
        """Return the value of every field by name; sets as sorted lists, as JSON needs them."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in found.items()
        }

    def valid(self, now: datetime) -> bool:
        """Return whether it is neither revoked nor expired at `now`."""
        return self.revoked is None and (self.expires is None or now < self.expires)

    def reads(self, repository: ServedRepository) -> bool:
        """Return whether it may read the repository."""
        return (
            self.all_repositories
            or repository.name in self.repositories
            or not self.teams.isdisjoint(repository.teams)
        )
