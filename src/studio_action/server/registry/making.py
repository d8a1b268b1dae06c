"""Makes the models of a server out of their parts."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime

from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.remotes import opening
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.net.clock import Clock, Deadline, Limits
from studio_action.net.network import Network
from studio_action.server.registry.manifests import Manifests
from studio_action.server.registry.mirror_fetcher import GitFor, Log, PushCounts
from studio_action.server.registry.mirrors import Mirrors
from studio_action.server.registry.models import Models
from studio_action.server.registry.storages import ServedStorages
from studio_action.server.registry.upstream import Upstream
from studio_action.server.settings import ServedRepository, ServerSettings

_TIMEOUT = 15.0
"""The seconds without a byte after which git gives up."""


def make_models(
    settings: ServerSettings,
    *,
    network: Network,
    environ: Mapping[str, str],
    pushes: PushCounts,
    utc: Callable[[], datetime],
    log: Log,
    clock: Clock = Clock(),  # noqa: B008 - frozen
) -> Models:
    """Return the models of a server; `environ` has its own credentials and the PATH."""
    mirrors = Mirrors(settings, make_git_for(network, environ, clock), pushes, utc, log, clock)
    storages = ServedStorages(
        settings.folders,
        with_credentials=opening.StorageRemotes(network, Identity(environ)),
        without_credentials=opening.StorageRemotes(network, None),
        now=clock.now,
        say=lambda text: log(text, level="warning"),
    )
    manifests = Manifests(
        storages, Upstream(network), network, settings.data_dir / "partial", utc, clock
    )
    return Models(settings, mirrors, storages, manifests, utc, clock)


def make_git_for(network: Network, environ: Mapping[str, str], clock: Clock) -> GitFor:
    """Return a function that makes the git program for a repository, with one silent retry."""

    def make_git(repository: ServedRepository, seconds: float) -> Git:
        limits = Limits(_TIMEOUT, 1, Deadline(seconds, clock), random.random)
        return Git(network, limits, environ, lambda line: None, repository.credential)

    return make_git
