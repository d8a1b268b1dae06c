"""When signed URLs have to be renewed, and when renewing them does not help. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.model.artifact import RemoteFile
from studio_action.net import signed_url
from studio_action.text import printable

MARGIN = timedelta(seconds=30)
"""A URL that expires this soon is renewed before it is used."""


@dataclass(eq=False, slots=True)
class FileUrl:
    """The URL of one file, as it was signed last.

    `path` is the file's path in the repository, `expires` None if that is not known.
    `refused_generation` is that of the URL that the storage refused, if it accepted none since.
    """

    path: str
    url: str = field(repr=False)
    expires: datetime | None
    refused_generation: int | None = None

    @classmethod
    def of(cls, file: RemoteFile) -> FileUrl:
        """Return the URL that came with the file."""
        return cls(file.path, file.url, file.expires)

    def __str__(self) -> str:
        """Return the file and where it comes from, for messages; no secret."""
        host = urlsplit(self.url).hostname or "?"
        return f"{printable(self.path, 300)!r} (from {printable(host, 100)})"

    def accepted(self) -> None:
        """Note that the storage has accepted the URL."""
        self.refused_generation = None


class UrlRenewal:
    """The signed URLs of one download, which are all renewed together.

    `request` makes another thread ask the registry for new ones, who hands them to `renewed`.
    """

    def __init__(self, request: Callable[[], None], utc: Callable[[], datetime]) -> None:
        self.generation = 0
        """How often the URLs were renewed."""
        self.pending = False
        """Whether new ones were requested and have not come yet."""
        self._request, self._utc = request, utc
        self._urls: Mapping[str, str] = {}

    def is_usable(self, url: FileUrl) -> bool:
        """Return whether the URL can be used now; request new ones if it expires too soon."""
        if self._expires_soon(url.expires):
            self._renew()
        return not self.pending

    def on_refused(self, url: FileUrl, generation: int, reason: str) -> None:
        """Request new URLs: the storage refused the one of this generation.

        Raise `Unreachable` if it refused the one before, too, and accepted none in between.
        """
        if generation < self.generation:
            return  # another answer has led to new ones already
        if url.refused_generation is not None and url.refused_generation < generation:
            raise Unreachable(
                f"the storage refuses {url}: {reason}, again after its URL was renewed",
                "Studio's own credentials for the remote may have expired or may not be allowed"
                " to read: check them in the project's settings",
            )
        url.refused_generation = generation
        self._renew()

    def renewed(self, urls: Mapping[str, str], files: Iterable[FileUrl]) -> None:
        """Use these new URLs, by path, for the files given and for those started later."""
        self.pending = False
        self.generation += 1
        self._urls = urls
        for each in files:
            self.update(each)

    def update(self, url: FileUrl) -> None:
        """Give a file its newest URL; raise `UnexpectedAnswer` if there is none for it."""
        if not self.generation:
            return
        newest = self._urls.get(url.path)
        if newest is None:
            raise UnexpectedAnswer(
                f"{url} is missing from the renewed URLs",
                "Run the step again",
            )
        expires = signed_url.expiry(newest)
        url.url = newest
        # If a new one seems to have expired, a clock is wrong, and the storage will tell.
        url.expires = None if self._expires_soon(expires) else expires

    def _expires_soon(self, expires: datetime | None) -> bool:
        return expires is not None and expires - self._utc() <= MARGIN

    def _renew(self) -> None:
        if not self.pending:
            self.pending = True
            self._request()
