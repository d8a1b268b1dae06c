"""A server's configuration: options win over the environment, and both over the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from studio_action.errors import BadInput
from studio_action.server.run.configuration.entries import FileContext, has_password
from studio_action.server.run.configuration.form import ConfigurationForm, DatabaseForm
from studio_action.server.settings import ServerSettings
from studio_action.text import printable

VARIABLES = {
    "data-dir": "STUDIO_ACTION_DATA_DIR",
    "database": "STUDIO_ACTION_DATABASE",
    "url": "STUDIO_ACTION_SERVER_URL",
    "host": "STUDIO_ACTION_HOST",
    "port": "STUDIO_ACTION_PORT",
    "workers": "STUDIO_ACTION_WORKERS",
}
"""The environment variable for each entry of the file that an option can give as well."""

FILE = "STUDIO_ACTION_SERVER_CONFIG"
_TEXTS = {
    "missing": "is missing",
    "extra_forbidden": "is not a known entry",
    "string_type": "is not a text",
    "dict_type": "is not a mapping",
    "model_type": "is not a mapping",
    "tuple_type": "is not a list",
    "frozen_set_type": "is not a list",
}
"""Words for pydantic's findings, for people who write YAML."""
_HINT = "Correct it, or see `studio-action serve --help`"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line; '' is an option that was not given.

    `entries` are entries of the file, by name. A repository is `ADDRESS` or `OWNER/NAME=ADDRESS`,
    a folder is `NAME=PATH`; both are added to those of the file.
    """

    config: str = ""
    entries: Mapping[str, str] = field(default_factory=dict, repr=False)
    repositories: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def read(options: Options, environ: Mapping[str, str], here: Path) -> ServerSettings:
    """Return the settings of a server that is started in the folder `here`.

    Raise `BadInput`, which lists in one line all faults and where they are.
    """
    return _read(ConfigurationForm, options, environ, here).settings()


def read_database(options: Options, environ: Mapping[str, str], here: Path) -> str:
    """Return the URL of that server's database; other settings and their secrets may be missing.

    Raise `BadInput`, which does not show the URL.
    """
    return _read(DatabaseForm, options, environ, here).address


Form = TypeVar("Form", bound=BaseModel)


def _read(form: type[Form], options: Options, environ: Mapping[str, str], here: Path) -> Form:
    file = options.config or environ.get(FILE, "")
    whole = _file(file, environ, here)
    sources = _Sources(_document(whole) if file else {})
    sources.overlay(options, environ, here)
    context = FileContext(whole.parent if file else here, environ)
    try:
        return form.model_validate(sources.entries, context=context)
    except ValidationError as error:
        faults = "; ".join(sources.faults(error))
    raise BadInput(f"the configuration is wrong: {faults}", _HINT)


@dataclass(slots=True)
class _Sources:
    """The entries so far, and the origin of those that do not come from the file."""

    entries: dict[str, Any]
    origins: dict[tuple[str | int, ...], str] = field(default_factory=dict)

    def overlay(self, options: Options, environ: Mapping[str, str], here: Path) -> None:
        """Put the environment over the file, and the options over both."""
        for entry, variable in VARIABLES.items():
            if text := options.entries.get(entry, ""):
                self._set(entry, _of_option(entry, text, here), f"--{entry}")
            elif text := environ.get(variable, ""):
                self._set(entry, _of_variable(entry, variable, text, here), variable)
        repositories = self.entries.setdefault("repositories", [])
        for given in options.repositories if isinstance(repositories, list) else ():
            self.origins["repositories", len(repositories)] = "--repository"
            repositories.append(_repository(given, here))
        folders = self.entries.setdefault("folders", {})
        for given in options.folders if isinstance(folders, dict) else ():
            name, _, path = given.partition("=")
            self.origins["folders", name] = "--folder"
            folders[name] = _below(here, path) if path else ""

    def _set(self, entry: str, value: object, origin: str) -> None:
        self.entries[entry] = value
        self.origins[(entry,)] = origin

    def faults(self, error: ValidationError) -> Iterator[str]:
        """Yield one text for each fault, e.g. `repositories[0].url: is not an address`."""
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            where = self._named(tuple(step for step in fault["loc"] if step != "[key]"))
            text = _TEXTS.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
            yield printable(f"{where}: {text}" if where else text, 300)

    def _named(self, steps: tuple[str | int, ...]) -> str:
        for length in (1, 2):
            if steps[:length] in self.origins:
                return self.origins[steps[:length]]
        return "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps
        ).removeprefix(".")


def _file(text: str, environ: Mapping[str, str], here: Path) -> Path:
    """Return the path of the file; raise `BadInput` if its `~` has no home folder."""
    try:
        return FileContext(here, environ).path(text)
    except ValueError as error:
        raise BadInput(f"the configuration {printable(text, 300)!r} {error}", _HINT) from None


def _of_option(entry: str, text: str, here: Path) -> object:
    if entry == "database" and _shows_password(text):
        raise BadInput(
            "--database holds a password, which everyone on this machine can see",
            f"Give it by the environment, in {VARIABLES[entry]}",
        )
    return _below(here, text) if entry == "data-dir" else text


def _of_variable(entry: str, variable: str, text: str, here: Path) -> object:
    if entry == "database":
        return {"env": variable}  # where a password may be
    return _below(here, text) if entry == "data-dir" else text


def _below(here: Path, text: str) -> str:
    """Return the path below `here`; a leading `~` is read later, with the other entries."""
    return text if text.startswith("~") else str(here / text)


def _shows_password(database: str) -> bool:
    try:
        return has_password(database)
    except ValueError:
        return False  # no URL at all, as will be said


def _repository(given: str, here: Path) -> dict[str, str]:
    """Read `OWNER/NAME=ADDRESS` or `ADDRESS` as an entry of the file."""
    name, separator, address = given.partition("=")
    if not separator or ":" in name or name.startswith((".", "/")):
        name, address = "", given
    if address.startswith(("./", "../")) or address in (".", ".."):
        address = str(here / address)
    return {"name": name, "url": address} if name else {"url": address}


class _Loader(yaml.SafeLoader):
    """Refuse a key that occurs twice; YAML itself would take the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(
                None, None, f"{twice[0]!r} is there twice", mark
            )
        return super().construct_mapping(node, deep)


def _document(path: Path) -> dict[str, Any]:
    """Return the file's entries, not yet checked; raise `BadInput` if it cannot be read."""
    shown = printable(str(path), 300)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"the configuration {shown!r} cannot be read: {type(error).__name__}", _HINT
        ) from error
    try:
        document = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        fault = f"line {line}: {printable(str(error.problem), 200)}"
        raise BadInput(
            f"the configuration {shown!r} is not YAML: {fault}", _HINT
        ) from None  # its own text quotes the line, which may hold a secret
    except (yaml.YAMLError, RecursionError, ValueError):
        raise BadInput(f"the configuration {shown!r} is not YAML", _HINT) from None
    if not isinstance(document, dict):
        raise BadInput(f"the configuration {shown!r} has no entries", _HINT)
    return document
