"""The server's settings, read from its configuration file and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio_action.gitrepo.git.credential import Credential
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.files.handing_over import HandOver
from studio_action.server.openid.provider import LogInSettings
from studio_action.server.release_names import RELEASED, ReleaseNames
from studio_action.server.token_exchange.issuers import TrustedIssuer


@dataclass(frozen=True, slots=True)
class ServedRepository:
    """One repository whose models are served.

    `name` is `owner/name`. The server fetches from `place`, a URL or the folder of a bare
    repository; clients may use `name`, `place` or one of the `aliases`.
    `remotes` are options of its DVC remotes by name. They replace the repository's description of a
    remote if they have a `url`, and else override single options (see `registry.storages`).
    `imports` are the names of served repositories that its models may be imported from. `folders`
    are the names of the server's folders that its own DVC configuration may name remotes in, None
    for all. `refresh` is how old, in seconds, tags may be; `stale_for` how old while the repository
    is unreachable.
    """

    name: str
    place: RepositoryUrl | Path
    aliases: tuple[RepositoryUrl, ...] = ()
    credential: Credential | None = None
    teams: frozenset[str] = frozenset()
    remotes: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    imports: frozenset[str] = frozenset()
    folders: frozenset[str] | None = None
    webhook_secret: str = field(default="", repr=False)
    refresh: float = 60.0
    stale_for: float = 24 * 3600.0

    def is_at(self, address: RepositoryUrl) -> bool:
        """Return whether `address` means this repository."""
        known = (self.place, *self.aliases)
        return any(isinstance(it, RepositoryUrl) and it.same_as(address) for it in known)


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """Where the server listens and how it runs.

    `trusted_proxies` are the addresses and networks whose forwarding headers count. Once the server
    is told to stop, it still takes requests for `drain` seconds, and running ones may take `grace`
    seconds more. `audit_retention` is how many seconds the audit log stays in the database.
    `hand_over` is how files are handed over to a proxy in front that sends them, None for not.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    trusted_proxies: tuple[str, ...] = ()
    grace: float = 25.0
    audit_retention: float = 90 * 24 * 3600.0
    drain: float = 0.0
    hand_over: HandOver | None = None


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Limits of requests: how many a token, or an address without one, may send; their bytes.

    `connections_per_address` are the most connections of one address to one process.
    """

    requests_per_minute: int = 600
    largest_body: int = 1 << 20
    connections_per_address: int = 500


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Who may read the metrics: whoever has `token`, or everyone if `is_open`, else nobody."""

    token: str = field(default="", repr=False)
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class PagesSettings:
    """The pages for people: how they log in, and what CI snippets call the step."""

    log_in: LogInSettings | None = None
    release_names: ReleaseNames = RELEASED


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The settings of one server.

    `url` is its public address with the sub-path, '' for the address that clients use; `base_path`
    is the sub-path, `/studio` or ''. `folders` are the folders of this machine that remotes may be
    in, by name.
    """

    data_dir: Path
    database: str = field(repr=False)
    repositories: tuple[ServedRepository, ...]
    folders: Mapping[str, Path] = field(default_factory=dict)
    url: str = ""
    base_path: str = ""
    webhook_secret: str = field(default="", repr=False)
    metrics: MetricsSettings = MetricsSettings()
    process: ProcessSettings = ProcessSettings()
    limits: LimitSettings = LimitSettings()
    trusted_issuers: tuple[TrustedIssuer, ...] = ()
    pages: PagesSettings = PagesSettings()
