"""The concrete parts that a run needs, made from its config.

What only one source needs is imported when that source is used, so that a step starts faster.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from studio_action.ci.platforms import no_id_token_hint
from studio_action.download.base import Downloader, Progress, Verify
from studio_action.download.deferred import DeferredDownloader
from studio_action.inputs.config import Delivery
from studio_action.inputs.credential import Token
from studio_action.inputs.studio import Studio
from studio_action.net.certificates import ca_bundle
from studio_action.net.clock import Clock
from studio_action.net.network import Network
from studio_action.run.context import RunContext
from studio_action.workspace.workspace import Workspace

if TYPE_CHECKING:
    from studio_action.ci.id_token import IdTokenSource
    from studio_action.registries.studio import StudioRegistry
    from studio_action.run.signatures import SignatureVerifier
    from studio_action.signature.policy import SignaturePolicy
    from studio_action.studio.oauth import Scope
    from studio_action.studio.token_exchange import TokenExchange


@contextmanager
def scratch_folder(workspace: Workspace) -> Iterator[Path]:
    """Make a folder for a while: the system's, or ours where a container has none to write to."""
    try:
        place = Path(tempfile.gettempdir())
    except OSError:
        place = Path.cwd()
    if place == Path.cwd():  # the last resort of Python's own search
        place = workspace.state()
    with tempfile.TemporaryDirectory(dir=place, prefix="studio-action-") as folder:
        yield Path(folder)


@contextmanager
def open_network(context: RunContext) -> Iterator[Network]:
    """Make the settings of every connection: to Studio, Git and storage alike."""
    options = context.config.network
    for proxy in options.proxies.values():
        context.platform.mask(urlsplit(proxy).password or "")
    with scratch_folder(context.config.workspace) as scratch:
        yield Network(ca_bundle(options.authorities, scratch), options.proxies)


@contextmanager
def open_studio(
    studio: Studio, context: RunContext, network: Network, scope: Scope = "model-registry"
) -> Iterator[StudioRegistry]:
    """Make the registry that Studio is, with a session that is closed in the end.

    A token that has to be exchanged for has `scope`. It is there before anything else is requested.
    """
    from studio_action.registries.studio import StudioRegistry
    from studio_action.studio.session import StudioSession

    platform = context.platform
    token = _token(studio, context, network, scope)
    if studio.is_unencrypted:
        platform.warning(f"{studio.base} is plain http: the token travels unencrypted")
    session = StudioSession(studio.base, token, network, context.config.limits, platform.warning)
    try:
        yield StudioRegistry(session, platform.mask)
    finally:
        session.close()


def _token(
    studio: Studio, context: RunContext, network: Network, scope: Scope
) -> Callable[[], str]:
    """Return what returns the token for each request, masked."""
    if isinstance(studio.credential, Token):
        text = studio.credential.text
        context.platform.mask(text)
        return lambda: text
    say = context.platform.info
    exchange = token_exchange(studio.base, studio.credential, context, network, scope, say)
    exchange.token()
    return exchange.token


def token_exchange(
    base: str,
    source: IdTokenSource,
    context: RunContext,
    network: Network,
    scope: Scope | None,
    say: Callable[[str], None],
) -> TokenExchange:
    """Make what exchanges the job's ID tokens for tokens of the server at `base`.

    They have `scope`, or all that the server gives if that is None. `say` hears of each.
    """
    from studio_action.net.http_client import HttpClient
    from studio_action.studio.token_exchange import TokenExchange

    limits, platform = context.config.limits, context.platform
    return TokenExchange(
        base,
        source,
        scope,
        lambda peer: HttpClient(peer, network, limits, platform.warning),
        limits.deadline.clock,
        platform.mask,
        say,
        no_id_token_hint(context.config.job),
    )


@contextmanager
def open_transfer(
    context: RunContext,
    folder: Path,
    network: Network,
    *,
    connections: int = 16,
    verify: Verify = "auto",
) -> Iterator[Downloader]:
    """Make what fetches files: the engine, what reads over other connections, and what copies from
    folders here. They start with the first file; what is unfinished waits in `folder`.
    """
    with DeferredDownloader(
        lambda: _started_transfer(context, folder, network, connections, verify)
    ) as downloader:
        yield downloader


@contextmanager
def _started_transfer(
    context: RunContext, folder: Path, network: Network, connections: int, verify: Verify
) -> Iterator[Downloader]:
    from studio_action.download.connected import ConnectedDownloader
    from studio_action.download.local import LocalDownloader
    from studio_action.download.transfer import Transfer

    limits, partial = context.config.limits, folder / "partial"
    with (
        Transfer(
            partial, limits=limits, network=network, verify=verify, max_connections=connections
        ) as transfer,
        ConnectedDownloader(
            transfer,
            context.filesystems,
            partial,
            limits=limits,
            verify=verify,
            max_connections=connections,
        ) as connected,
        tempfile.TemporaryDirectory(dir=folder, prefix="copies-") as copies,
    ):
        yield LocalDownloader(connected, Path(copies), limits.deadline)


@contextmanager
def open_downloader(
    delivery: Delivery, context: RunContext, network: Network
) -> Iterator[Downloader]:
    """Start the engine, behind a cache if there is a `cache-dir`.

    What the engine leaves unfinished waits in our folder for the next run.
    """
    workspace = context.config.workspace
    state = workspace.state()
    with (
        open_transfer(
            context, state, network, connections=delivery.connections, verify=delivery.verify
        ) as transfer,
        tempfile.TemporaryDirectory(dir=state, prefix="copies-") as copies,
    ):
        if delivery.cache_dir is None:
            yield transfer
        else:
            from studio_action.download.cache import Cache, CachedDownloader

            cache = Cache.at(workspace.place(delivery.cache_dir))
            yield CachedDownloader(
                cache, transfer, Path(copies), context.platform.info, context.config.limits.deadline
            )


@contextmanager
def show_progress(context: RunContext) -> Iterator[Progress]:
    """Show how far a download is, as the job's CI system can."""
    from studio_action.ci.progress import open_progress

    say = context.platform.info
    with open_progress(context.config.job, sys.stderr, say=say, clock=Clock()) as progress:
        yield progress


@contextmanager
def open_signatures(
    context: RunContext, network: Network, downloader: Downloader
) -> Iterator[Callable[[SignaturePolicy], SignatureVerifier]]:
    """Make what makes verifiers of signatures."""
    trust = partial(trusted_root, context, network)

    def verifier(policy: SignaturePolicy) -> SignatureVerifier:
        from studio_action.run.signatures import SignatureVerifier

        folder = Path(tempfile.mkdtemp(dir=scratch))
        return SignatureVerifier(policy, downloader, trust, folder)

    with scratch_folder(context.config.workspace) as scratch:
        yield verifier


def trusted_root(context: RunContext, network: Network, folder: Path) -> str:
    """Fetch the root of trust of the public instance of Sigstore; `folder` is empty."""
    from studio_action.signature import trust_root

    limits, platform = context.config.limits, context.platform
    platform.info(f"Sigstore's root of trust comes from {trust_root.URL}")
    return trust_root.fetch(network, limits, folder, platform.info)
