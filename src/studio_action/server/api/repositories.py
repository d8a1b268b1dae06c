"""Finds served repositories by name or URL. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Token
from studio_action.server.api.responses import NO_REPOSITORY, refused
from studio_action.server.settings import ServedRepository


@dataclass(frozen=True, slots=True)
class Repositories:
    """The repositories that the server serves."""

    served: tuple[ServedRepository, ...]

    def find(self, *addresses: RepositoryUrl) -> list[ServedRepository]:
        """Return the repositories that any of `addresses` means, in any form."""
        return [
            each
            for each in self.served
            if any(known.same_as(address) for known in _addresses(each) for address in addresses)
        ]

    def get_readable(self, address: RepositoryUrl, token: Token) -> ServedRepository:
        """Return the repository that `address` means; raise `ApiError` (404) if none.

        The same 404 answers for one that the token may not read, so that it stays unknown.
        """
        for repository in self.find(address):
            if token.reads(repository):
                return repository
        raise refused(404, NO_REPOSITORY)


def _addresses(repository: ServedRepository) -> Iterator[RepositoryUrl]:
    yield RepositoryUrl("short", "", repository.name)
    if isinstance(repository.place, RepositoryUrl):
        yield repository.place
    yield from repository.aliases
