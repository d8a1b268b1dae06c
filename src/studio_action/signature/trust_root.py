"""Sigstore's root of trust by TUF (https://theupdateframework.io), where the user gives none.

Sigstore's own client would ask past the job's certificate authorities, and keep what it finds in
the home directory. Here the requests go the way of all others, and begin at the root that came with
the library, so nothing that an earlier job left on the machine is trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urljoin

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from studio_action.errors import StudioActionError, UnexpectedAnswer
from studio_action.net.clock import Limits
from studio_action.net.http_client import Call, HttpClient, Peer
from studio_action.net.network import Network
from studio_action.text import printable

URL = "https://tuf-repo-cdn.sigstore.dev"
"""The public instance's repository; whoever runs another one gives its trusted root."""
_TARGET = "trusted_root.json"


class _Fetcher(FetcherInterface):  # type: ignore[misc]
    """Asks one server as a step asks any other."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self.failure: StudioActionError | None = None

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            answer = self._client.send(lambda: Call("GET", url))
        except StudioActionError as error:
            self.failure = error  # TUF would hide it in one of its own
            raise
        if answer.status >= 400:
            raise DownloadHTTPError(f"HTTP {answer.status}", answer.status)
        return iter([answer.body])


def fetch(
    network: Network,
    limits: Limits,
    folder: Path,
    log: Callable[[str], None],
    url: str = URL,
    first: bytes | None = None,
) -> str:
    """Return the trusted root, JSON, that the TUF repository at `url` has now.

    `folder` is empty; `first` is the repository's first root, by default the public instance's.
    Raises `Unreachable`, or `UnexpectedAnswer` for what is not signed as it has
    to be.
    """
    peer = Peer("Sigstore", url, "that the machine reaches it, or give signature-trust-config")
    client = HttpClient(peer, network, limits, log)
    (folder / "targets").mkdir()
    fetcher = _Fetcher(client)
    try:
        updater = Updater(
            metadata_dir=str(folder / "metadata"),
            metadata_base_url=url,
            target_dir=str(folder / "targets"),
            target_base_url=urljoin(f"{url}/", "targets/"),
            fetcher=fetcher,
            bootstrap=first or embedded_root(),
        )
        updater.refresh()
        target = updater.get_targetinfo(_TARGET)
        if target is None:
            raise UnexpectedAnswer(f"{peer} has no {_TARGET}", "Give signature-trust-config")
        return Path(updater.download_target(target)).read_text("utf-8")
    except StudioActionError:
        raise
    except Exception as error:  # of many kinds, and of those that it wraps
        if fetcher.failure:
            raise fetcher.failure from error
        raise UnexpectedAnswer(
            f"the root of trust of {peer} cannot be used: {printable(str(error), 300)}",
            "Give signature-trust-config, or try again later",
        ) from error
    finally:
        client.close()


def embedded_root() -> bytes:
    """Return the first root of the public instance, as it came with Sigstore's library."""
    from importlib.resources import files

    return (files("sigstore._store") / quote(URL, safe="") / "root.json").read_bytes()
