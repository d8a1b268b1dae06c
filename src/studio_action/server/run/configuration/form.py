"""The form of the configuration file.

Faults are pydantic's; `reading.py` puts them on one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, model_validator

from studio_action.errors import BadInput
from studio_action.gitrepo.git.credential import Credential
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.files.handing_over import HandOver
from studio_action.server.registry import storages
from studio_action.server.run.configuration.entries import (
    Address,
    Database,
    Folder,
    Form,
    FullName,
    Name,
    Proxies,
    PublicAddress,
    Remote,
    RepositoryPlace,
    Seconds,
    Secret,
    SubPath,
    repository_name,
    sub_path,
)
from studio_action.server.run.configuration.log_in import LogInForm
from studio_action.server.run.configuration.snippets import SnippetsForm
from studio_action.server.run.configuration.trusted_issuers import TrustedIssuerForm
from studio_action.server.settings import (
    LimitSettings,
    MetricsSettings,
    PagesSettings,
    ProcessSettings,
    ServedRepository,
    ServerSettings,
)


class RepositoryForm(Form):
    """One entry of `repositories`."""

    url: RepositoryPlace
    name: FullName = ""
    aliases: tuple[Address, ...] = ()
    token: Secret = ""
    teams: frozenset[Name] = frozenset()
    remotes: Annotated[dict[str, Remote], Field(default_factory=dict, repr=False)]
    imports: frozenset[FullName] = frozenset()
    folders: frozenset[Name] | None = None
    webhook_secret: Secret = ""
    refresh: Seconds = 60.0
    stale_for: Seconds = 24 * 3600.0

    @model_validator(mode="after")
    def _token_has_a_host(self) -> RepositoryForm:
        if self.token and not self._origin:
            raise ValueError("a token is for an http(s) address")
        return self

    @model_validator(mode="after")
    def _keeps_credentials(self) -> RepositoryForm:
        try:
            storages.check_remotes(self.served())
        except BadInput as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def _origin(self) -> str:
        place = self.url
        if isinstance(place, RepositoryUrl) and place.form in ("https", "http"):
            return f"{place.form}://{place.host}"
        return ""

    @property
    def full_name(self) -> str:
        """The name that was given, else the last two parts of the address."""
        path = self.url.path if isinstance(self.url, RepositoryUrl) else str(self.url)
        return self.name or "/".join(path.split("/")[-2:]).removesuffix(".git")

    def served(self) -> ServedRepository:
        """Return the same as the server's own values."""
        return ServedRepository(
            name=self.full_name,
            place=self.url,
            aliases=self.aliases,
            credential=Credential(self._origin, self.token) if self.token else None,
            teams=self.teams,
            remotes=self.remotes,
            imports=self.imports,
            folders=self.folders,
            webhook_secret=self.webhook_secret,
            refresh=self.refresh,
            stale_for=self.stale_for,
        )


def _in_data_dir(folder: Path) -> str:
    """Return the URL of the database if the configuration names none."""
    return f"sqlite:///{folder}/registry.db"


class DatabaseForm(Form):
    """The entries about the database. The others, which need secrets of their own, are not read."""

    model_config = ConfigDict(extra="ignore")

    data_dir: Folder | None = None
    database: Database = ""

    @model_validator(mode="after")
    def _somewhere(self) -> DatabaseForm:
        if not self.database and self.data_dir is None:
            raise ValueError("database and data-dir are both missing: set one of them")
        return self

    @property
    def address(self) -> str:
        """The database's URL."""
        return (
            self.database if self.data_dir is None else self.database or _in_data_dir(self.data_dir)
        )


class ConfigurationForm(Form):
    """The whole file; entries have hyphens where the fields have underscores.

    It has a field for each entry, as many as people may write; `settings` groups them.
    """

    data_dir: Folder
    database: Database = ""
    url: PublicAddress = ""
    base_path: SubPath | None = None
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    folders: Annotated[dict[Name, Folder], Field(default_factory=dict)]
    trusted_proxies: tuple[Proxies, ...] = ()
    webhook_secret: Secret = ""
    metrics_token: Secret = ""
    open_metrics: bool = False
    audit_retention: Seconds = 90 * 24 * 3600.0
    requests_per_minute: Annotated[int, Field(ge=1)] = 600
    largest_body: Annotated[int, Field(ge=1024)] = 1 << 20
    connections_per_address: Annotated[int, Field(ge=1)] = 500
    grace: Seconds = 25.0
    drain: Seconds = 0.0
    x_accel_redirect: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_.-]+)+/?$")] = ""
    x_sendfile: bool = False
    repositories: tuple[RepositoryForm, ...] = ()
    trusted_issuers: tuple[TrustedIssuerForm, ...] = ()
    log_in: LogInForm | None = None
    snippets: SnippetsForm = SnippetsForm()

    @model_validator(mode="after")
    def _one_of_each_name(self) -> ConfigurationForm:
        names = [each.full_name for each in self.repositories]
        for each in names:
            try:
                repository_name(each)
            except ValueError:
                raise ValueError(
                    f"the repository {each} needs a name, such as acme/models"
                ) from None
        folded = [each.lower() for each in names]
        if twice := sorted({each for each in folded if folded.count(each) > 1}):
            raise ValueError(f"two repositories are named {twice[0]}: give one another name")
        if not names:
            raise ValueError("no repository is given: there is nothing to serve")
        return self

    @model_validator(mode="after")
    def _metrics_are_open_or_not(self) -> ConfigurationForm:
        if self.open_metrics and self.metrics_token:
            raise ValueError("open-metrics needs no metrics-token: leave one of them out")
        return self

    @model_validator(mode="after")
    def _imports_are_served(self) -> ConfigurationForm:
        names = {each.full_name for each in self.repositories}
        for each in self.repositories:
            if unknown := sorted(each.imports - names):
                raise ValueError(
                    f"the repository {each.full_name} has {unknown[0]} among its imports, which is"
                    " not served: add it to the repositories"
                )
        return self

    @model_validator(mode="after")
    def _folders_are_there(self) -> ConfigurationForm:
        for each in self.repositories:
            if unknown := sorted((each.folders or frozenset()) - self.folders.keys()):
                raise ValueError(
                    f"the repository {each.full_name} has {unknown[0]} among its folders, which is"
                    " not a folder of the server: add it to the folders"
                )
        return self

    @model_validator(mode="after")
    def _tokens_are_for_this_server(self) -> ConfigurationForm:
        if self.trusted_issuers and not self.url:
            raise ValueError("trusted-issuers need a url: ID tokens must be for this server")
        urls = [each.issuer_url for each in self.trusted_issuers]
        if twice := sorted({each for each in urls if urls.count(each) > 1}):
            raise ValueError(f"trusted-issuers has {twice[0]} twice: put the rules together")
        names = {each.full_name for each in self.repositories}
        read = {name for each in self.trusted_issuers for name in each.repositories}
        if unknown := sorted(read - names):
            raise ValueError(f"trusted-issuers has rules for {unknown[0]}, which is not served")
        return self

    @model_validator(mode="after")
    def _people_come_back(self) -> ConfigurationForm:
        if self.log_in is None:
            return self
        if not self.url:
            raise ValueError("log-in needs a url: the provider leads people back to it")
        if unknown := sorted(self.log_in.repositories - {it.full_name for it in self.repositories}):
            raise ValueError(f"log-in has rules for {unknown[0]}, which is not served")
        return self

    def _served(self) -> Iterator[ServedRepository]:
        """Yield the repositories, which by default name no folders if there are several teams."""
        one_team = len({each.teams for each in self.repositories}) < 2
        for each in self.repositories:
            served = each.served()
            by_default = one_team or each.folders is not None
            yield served if by_default else replace(served, folders=frozenset())

    def _hand_over(self) -> HandOver | None:
        if self.x_accel_redirect:
            return HandOver(self.x_accel_redirect)
        return HandOver() if self.x_sendfile else None

    def settings(self) -> ServerSettings:
        """Return the same as the server's own values."""
        own_path = sub_path(urlsplit(self.url).path)
        return ServerSettings(
            data_dir=self.data_dir,
            database=self.database or _in_data_dir(self.data_dir),
            repositories=tuple(self._served()),
            folders=self.folders,
            url=self.url,
            base_path=own_path if self.base_path is None else self.base_path,
            webhook_secret=self.webhook_secret,
            metrics=MetricsSettings(self.metrics_token, self.open_metrics),
            process=ProcessSettings(
                self.host,
                self.port,
                self.workers,
                self.trusted_proxies,
                self.grace,
                self.audit_retention,
                self.drain,
                self._hand_over(),
            ),
            limits=LimitSettings(
                self.requests_per_minute, self.largest_body, self.connections_per_address
            ),
            trusted_issuers=tuple(each.trusted(self.url) for each in self.trusted_issuers),
            pages=PagesSettings(
                self.log_in.provider() if self.log_in else None, self.snippets.release_names()
            ),
        )
