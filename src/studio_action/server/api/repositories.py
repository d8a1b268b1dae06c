"""Which of the served repositories a name or an address means, for one who asks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Token
from studio_action.server.api.answers import NO_REPOSITORY, refused
from studio_action.server.settings import ServedRepository


@dataclass(frozen=True, slots=True)
class Repositories:
    """The served repositories."""

    served: tuple[ServedRepository, ...]

    def named(self, *addresses: RepositoryUrl) -> list[ServedRepository]:
        """Those that any of `addresses` means, in whatever form."""
        return [
            each
            for each in self.served
            if any(known.same_as(asked) for known in _addresses(each) for asked in addresses)
        ]

    def readable(self, address: RepositoryUrl, token: Token) -> ServedRepository:
        """The one that `address` means, if the token was given it; raises `Refused`: 404.

        Whether it is there and not given, or not there, nobody can tell.
        """
        for repository in self.named(address):
            if token.reads(repository):
                return repository
        raise refused(404, NO_REPOSITORY)


def _addresses(repository: ServedRepository) -> Iterator[RepositoryUrl]:
    yield RepositoryUrl("short", "", repository.name)
    if isinstance(repository.place, RepositoryUrl):
        yield repository.place
    yield from repository.aliases
