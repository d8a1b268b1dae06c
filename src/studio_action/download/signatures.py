"""When signed URLs have to be renewed, and when renewing them does not help. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from studio_action.download.incoming import Incoming
from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.net import signed_url

MARGIN = timedelta(seconds=30)
"""A URL that ends this soon is renewed before it is used."""


class Signatures:
    """The generations of a download's signed URLs: all of them are renewed together.

    `ask` makes somebody else ask the registry; `take` hears what it answered.
    """

    def __init__(self, ask: Callable[[], None], utc: Callable[[], datetime]) -> None:
        self.generation = 0
        self.renewing = False
        self._ask, self._utc = ask, utc
        self._urls: Mapping[str, str] = {}

    def good(self, incoming: Incoming) -> bool:
        """Whether the file's URL can be used now; asks for new ones if it ends too soon."""
        if self._ends_soon(incoming.expires):
            self._renew()
        return not self.renewing

    def refused(self, incoming: Incoming, generation: int, reason: str) -> None:
        """The storage refused a URL of this generation: have all renewed, if that can help.

        Raises `Unreachable` if it refused the one before, too, and nothing came in between.
        """
        if generation < self.generation:
            return  # another answer has led to new ones already
        if incoming.refused is not None and incoming.refused < generation:
            raise Unreachable(
                f"the storage refuses {incoming}: {reason}, again after its URL was renewed",
                "Studio's own credentials for the remote may have ended or lack the right to"
                " read: check them in the project's settings",
            )
        incoming.refused = generation
        self._renew()

    def take(self, urls: Mapping[str, str], files: Iterable[Incoming]) -> None:
        """Use new URLs, by path, for these files, and for those that are begun later."""
        self.renewing = False
        self.generation += 1
        self._urls = urls
        for incoming in files:
            self.adopt(incoming)

    def adopt(self, incoming: Incoming) -> None:
        """Give the file its newest URL; raise `UnexpectedAnswer` if there is none for it."""
        if not self.generation:
            return
        url = self._urls.get(incoming.file.path)
        if url is None:
            raise UnexpectedAnswer(
                f"{incoming} is not among the signed URLs that were asked for once more",
                "Run the step again",
            )
        expires = signed_url.expiry(url)
        # If a new one seems to have ended, a clock is wrong, and the storage will tell.
        incoming.url = url
        incoming.expires = None if self._ends_soon(expires) else expires

    def _ends_soon(self, expires: datetime | None) -> bool:
        return expires is not None and expires - self._utc() <= MARGIN

    def _renew(self) -> None:
        if not self.renewing:
            self.renewing = True
            self._ask()
