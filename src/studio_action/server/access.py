"""Who may do what: tokens and the repositories that each was given. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from studio_action.server.settings import ServedRepository

Scope = Literal["model-registry", "project"]
"""What a token is for: reading models, or creating projects."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the database knows it; its text is shown once, when it is made.

    `name` says whose it is. It reads `repositories`, by their names, and those of its `teams`;
    all of them if it is for `all_repositories`. Moments are in UTC.
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

    def valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)

    def reads(self, repository: ServedRepository) -> bool:
        """Whether it was given the repository."""
        return (
            self.all_repositories
            or repository.name in self.repositories
            or not self.teams.isdisjoint(repository.teams)
        )
