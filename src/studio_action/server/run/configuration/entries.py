"""The kinds of entries in the configuration file. Each kind says what is wrong with another text.

Secrets are named, `{env: NAME}` or `{file: PATH}`, and never stand in the file itself. Relative
paths are below the file's folder.
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
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from studio_action.errors import BadInput
from studio_action.model.paths import from_home
from studio_action.model.repository_url import RepositoryUrl

_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_FULL_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_SECRET_OPTION = re.compile(r"password|secret|token|key\Z|connection_string")
_DURATION = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|min|h|d|)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Form(BaseModel):
    """A mapping of the file; entries have hyphens where the fields have underscores."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
        hide_input_in_errors=True,
    )


@dataclass(frozen=True, slots=True)
class FileContext:
    """The folder that relative paths start from, and the environment that secrets are read from."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)

    def path(self, text: str) -> Path:
        """Return the path that `text` names; raise `ValueError` if its `~` has no home folder."""
        return self.folder / from_home(text, self.environ.get("HOME", ""))


def _context(info: ValidationInfo) -> FileContext:
    assert isinstance(info.context, FileContext)
    return info.context


def seconds_of(given: object) -> float:
    """Read `60s`, `5m`, `24h`, `90d` or a number of seconds; raise `ValueError` for other text."""
    found = _DURATION.fullmatch(str(given)) if not isinstance(given, bool) else None
    if found is None or not float(found["count"]):
        raise ValueError("is not a time above 0, such as 60s, 5m, 24h or 7d")
    return float(found["count"]) * _UNITS[found["unit"]]


def _secret(given: object, info: ValidationInfo) -> str:
    match given:
        case {"env": str(name), **rest} if not rest:
            text = _context(info).environ.get(name, "")
            source = f"the environment variable {name}"
        case {"file": str(path), **rest} if not rest:
            text = _content(_context(info).path(path))
            source = f"the file {path}"
        case _:
            raise ValueError(
                "a secret must not be in the configuration file: write {env: NAME} or {file: PATH}"
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
        raise ValueError("a password must not be in the configuration file: write {env: NAME}")
    return given


def has_password(database: str) -> bool:
    """Return whether a database URL holds a password; raise `ValueError` for another text."""
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
    return _context(info).path(given)


def _public_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
        raise ValueError("is not an http(s) address, such as https://models.example.org/studio")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("has more than scheme, host, port and path")
    return url.rstrip("/")


def sub_path(path: str) -> str:
    """Return `/studio`, or '' for the root; raise `ValueError` if the text is not a path."""
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


def repository_name(text: str) -> str:
    """Return a name such as `acme/models`; raise `ValueError` for another text."""
    if not _FULL_NAME.fullmatch(text):
        raise ValueError("is not a name such as acme/models")
    return text


def _repository_place(given: object, info: ValidationInfo) -> RepositoryUrl | Path:
    if not isinstance(given, str):
        raise ValueError("is not an address or a folder")
    if given.startswith(("/", "./", "../", "~/")) or given in (".", "..", "~"):
        return _context(info).path(given).resolve()
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
FullName = Annotated[str, AfterValidator(repository_name)]
Folder = Annotated[Path, BeforeValidator(_path)]
Remote = Annotated[
    dict[str, Annotated[str, BeforeValidator(_option)]],
    BeforeValidator(_no_inline_secrets),
    AfterValidator(_options),
]
Address = Annotated[Any, BeforeValidator(_address)]
"""A `RepositoryUrl`."""
RepositoryPlace = Annotated[Any, BeforeValidator(_repository_place)]
"""A `RepositoryUrl`, or the `Path` of a folder."""
Database = Annotated[str, BeforeValidator(_database), Field(repr=False)]
PublicAddress = Annotated[str, AfterValidator(_public_address)]
SubPath = Annotated[str, AfterValidator(sub_path)]
Proxies = Annotated[str, AfterValidator(_network)]
