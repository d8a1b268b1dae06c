"""What a server was told: one frozen value, made of its configuration file and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio_action.gitrepo.git.program import Credential
from studio_action.model.repository_url import RepositoryUrl


@dataclass(frozen=True, slots=True)
class ServedRepository:
    """One repository whose models are served.

    `name` is its short form, `owner/name`. It is fetched from `place`, an address or a bare
    repository's folder; callers may name it by `name`, by `place` or by one of its `aliases`.
    `remotes` has options of its DVC remotes by name: one whose `url` is among them is described by
    them alone, of any other they go over those in the repository (see `storages`). `imports` names
    the served repositories that its models may be imported from. `refresh` and
    `stale_for` are seconds: how old tags may be, and how old where the repository cannot be
    reached.
    """

    name: str
    place: RepositoryUrl | Path
    aliases: tuple[RepositoryUrl, ...] = ()
    credential: Credential | None = None
    teams: frozenset[str] = frozenset()
    remotes: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    imports: frozenset[str] = frozenset()
    webhook_secret: str = field(default="", repr=False)
    refresh: float = 60.0
    stale_for: float = 24 * 3600.0

    def is_at(self, address: RepositoryUrl) -> bool:
        """Whether `address` is one of this repository."""
        known = (self.place, *self.aliases)
        return any(isinstance(it, RepositoryUrl) and it.same_as(address) for it in known)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How one server is set up.

    `url` is its public address, with the sub-path, '' for whatever its callers use; `base_path` is
    the sub-path, `/studio` or ''. `folders` are those of this machine that remotes may be in, by
    name. `requests_per_minute` is for one token, or one address without. `grace` is seconds that
    running requests may take when the server is told to stop.
    """

    data_dir: Path
    database: str = field(repr=False)
    repositories: tuple[ServedRepository, ...]
    folders: Mapping[str, Path] = field(default_factory=dict)
    url: str = ""
    base_path: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    trusted_proxies: tuple[str, ...] = ()
    webhook_secret: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    requests_per_minute: int = 600
    largest_body: int = 1 << 20
    grace: float = 25.0
