"""The form of the configuration file, and what each of its entries means.

Secrets are named, `{env: NAME}` or `{file: PATH}`, and never stand in the file itself. Relative
paths are below the file's folder. Faults are pydantic's; `configuration.py` says them in one line.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from studio_action.errors import BadInput
from studio_action.gitrepo.program import Credential
from studio_action.repository import RepositoryUrl
from studio_action.server import storages
from studio_action.server.settings import ServedRepository, ServerSettings

_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_FULL_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_SECRET_OPTION = re.compile(r"password|secret|token|key\Z|connection_string")
_DURATION = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|min|h|d|)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a configuration is read: below which folder, and with which environment."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)


def _place(info: ValidationInfo) -> Place:
    assert isinstance(info.context, Place)
    return info.context


def seconds_of(given: object) -> float:
    """`60s`, `5m`, `24h`, `90d` or a plain number of seconds; raise `ValueError` for others."""
    found = _DURATION.fullmatch(str(given)) if not isinstance(given, bool) else None
    if found is None or not float(found["count"]):
        raise ValueError("is not a time above 0, such as 60s, 5m, 24h or 7d")
    return float(found["count"]) * _UNITS[found["unit"]]


def _secret(given: object, info: ValidationInfo) -> str:
    match given:
        case {"env": str(name), **rest} if not rest:
            text = _place(info).environ.get(name, "")
            source = f"the environment variable {name}"
        case {"file": str(path), **rest} if not rest:
            text = _content(_place(info).folder / path)
            source = f"the file {path}"
        case _:
            raise ValueError(
                "a secret does not stand in the configuration: write {env: NAME} or {file: PATH}"
            )
    if not text.strip():
        raise ValueError(f"{source} is empty or not set")
    return text.strip()


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file cannot be read: {type(error).__name__}") from error


def _database(given: object, info: ValidationInfo) -> str:
    if not isinstance(given, str):
        return _readable_database(_secret(given, info))
    if has_password(given):
        raise ValueError("a password does not stand in the configuration: write {env: NAME}")
    return given


def has_password(database: str) -> bool:
    """Whether the URL of a database holds a password; raise `ValueError` if it is no such URL."""
    try:
        url = make_url(database)
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not repeated.
        raise ValueError(
            "is not the URL of a database, such as sqlite:////data/registry.db or"
            " postgresql://user@host/name"
        ) from None
    return bool(url.password or url.query.get("password"))


def _readable_database(text: str) -> str:
    has_password(text)
    return text


def _option(given: object, info: ValidationInfo) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, (str, int, float)):
        return str(given)
    return _secret(given, info)


def _options(given: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    return {name.lower(): text for name, text in given.items()}


def _no_inline_secrets(given: object) -> object:
    if isinstance(given, dict):
        for name, value in given.items():
            if _SECRET_OPTION.search(str(name).lower()) and not isinstance(value, dict):
                raise ValueError(f"{name} is a secret: write {{env: NAME}} or {{file: PATH}}")
    return given


def _path(given: object, info: ValidationInfo) -> Path:
    if not isinstance(given, str) or not given or "\0" in given:
        raise ValueError("is not the path of a folder")
    return Path(_place(info).folder, Path(given).expanduser())


def _public_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
        raise ValueError("is not an http(s) address, such as https://models.example.org/studio")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("has more than scheme, host, port and path")
    return url.rstrip("/")


def _sub_path(path: str) -> str:
    plain = path.strip("/")
    if plain and not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)*", plain, re.ASCII):
        raise ValueError("is not a path, such as /studio")
    return f"/{plain}" if plain else ""


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("is not an address or a network, such as 10.0.0.0/8") from None


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("is not a name of letters, digits, '.', '_' and '-'")
    return text


def _full_name(text: str) -> str:
    if not _FULL_NAME.fullmatch(text):
        raise ValueError("is not a name such as acme/models")
    return text


def _repository_place(given: object, info: ValidationInfo) -> RepositoryUrl | Path:
    if not isinstance(given, str):
        raise ValueError("is not an address or a folder")
    if given.startswith(("/", "./", "../", "~/")) or given in (".", ".."):
        return Path(_place(info).folder, Path(given).expanduser()).resolve()
    if "@" in urlsplit(given).netloc and not given.startswith("ssh://"):
        raise ValueError("holds user info: give it as token: {env: NAME} or {file: PATH}")
    address = _address(given)
    if address.form == "short":
        raise ValueError(f"does not say where: write https://HOST/{address.path}.git")
    return address


def _address(given: object) -> RepositoryUrl:
    try:
        return RepositoryUrl.parse(given if isinstance(given, str) else "")
    except BadInput as error:
        raise ValueError(f"is not the address of a Git repository. {error.hint}") from None


Seconds = Annotated[float, BeforeValidator(seconds_of)]
Secret = Annotated[str, BeforeValidator(_secret), Field(repr=False)]
Name = Annotated[str, AfterValidator(_name)]
Folder = Annotated[Path, BeforeValidator(_path)]
Remote = Annotated[
    dict[str, Annotated[str, BeforeValidator(_option)]],
    BeforeValidator(_no_inline_secrets),
    AfterValidator(_options),
]
Address = Annotated[Any, BeforeValidator(_address)]


class _Form(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
        hide_input_in_errors=True,
    )


class RepositoryForm(_Form):
    """One entry of `repositories`."""

    url: Annotated[Any, BeforeValidator(_repository_place)]
    name: Annotated[str, AfterValidator(_full_name)] = ""
    aliases: tuple[Address, ...] = ()
    token: Secret = ""
    teams: frozenset[Name] = frozenset()
    remotes: Annotated[dict[str, Remote], Field(repr=False)] = {}
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
            storages.check(self.served())
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
        """What it says, as the server wants it."""
        return ServedRepository(
            name=self.full_name,
            place=self.url,
            aliases=self.aliases,
            credential=Credential(self._origin, self.token) if self.token else None,
            teams=self.teams,
            remotes=self.remotes,
            webhook_secret=self.webhook_secret,
            refresh=self.refresh,
            stale_for=self.stale_for,
        )


def _in_data_dir(folder: Path) -> str:
    """The URL of the database where none is named."""
    return f"sqlite:///{folder}/registry.db"


class DatabaseForm(_Form):
    """What the file says of the database; the rest, which needs secrets of its own, is not read."""

    model_config = ConfigDict(extra="ignore")

    data_dir: Folder | None = None
    database: Annotated[str, BeforeValidator(_database), Field(repr=False)] = ""

    @model_validator(mode="after")
    def _somewhere(self) -> DatabaseForm:
        if not self.database and self.data_dir is None:
            raise ValueError("neither a database nor a data-dir is named")
        return self

    @property
    def address(self) -> str:
        """The database's URL."""
        return (
            self.database if self.data_dir is None else self.database or _in_data_dir(self.data_dir)
        )


class ConfigurationForm(_Form):
    """The whole file; entries have hyphens where the fields have underscores."""

    data_dir: Folder
    database: Annotated[str, BeforeValidator(_database), Field(repr=False)] = ""
    url: Annotated[str, AfterValidator(_public_address)] = ""
    base_path: Annotated[str, AfterValidator(_sub_path)] | None = None
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    folders: dict[Name, Folder] = {}
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    webhook_secret: Secret = ""
    metrics_token: Secret = ""
    requests_per_minute: Annotated[int, Field(ge=1)] = 600
    largest_body: Annotated[int, Field(ge=1024)] = 1 << 20
    grace: Seconds = 25.0
    repositories: tuple[RepositoryForm, ...] = ()

    @model_validator(mode="after")
    def _one_of_each_name(self) -> ConfigurationForm:
        names = [each.full_name for each in self.repositories]
        for each in names:
            if not _FULL_NAME.fullmatch(each):
                raise ValueError(f"the repository at {each} needs a name, such as acme/models")
        folded = [each.lower() for each in names]
        if twice := sorted({each for each in folded if folded.count(each) > 1}):
            raise ValueError(f"two repositories are named {twice[0]}: give one another name")
        if not names:
            raise ValueError("no repository is given: there is nothing to serve")
        return self

    def settings(self) -> ServerSettings:
        """What it says, as the server wants it."""
        own_path = _sub_path(urlsplit(self.url).path)
        return ServerSettings(
            data_dir=self.data_dir,
            database=self.database or _in_data_dir(self.data_dir),
            repositories=tuple(each.served() for each in self.repositories),
            folders=self.folders,
            url=self.url,
            base_path=own_path if self.base_path is None else self.base_path,
            host=self.host,
            port=self.port,
            workers=self.workers,
            trusted_proxies=self.trusted_proxies,
            webhook_secret=self.webhook_secret,
            metrics_token=self.metrics_token,
            requests_per_minute=self.requests_per_minute,
            largest_body=self.largest_body,
            grace=self.grace,
        )
