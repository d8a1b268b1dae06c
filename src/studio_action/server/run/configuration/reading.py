"""What a server is told, from everywhere: options over the environment over the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from studio_action.errors import BadInput
from studio_action.server.run.configuration.entries import Place, has_password
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
    "extra_forbidden": "is not an entry there",
    "string_type": "is not a text",
    "dict_type": "is not a mapping",
    "model_type": "is not a mapping",
    "tuple_type": "is not a list",
    "frozen_set_type": "is not a list",
}
"""What pydantic finds, in words for those who write YAML."""
_HINT = "Correct it, or see `studio-action serve --help`"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; '' is not said.

    `entries` are entries of the file, by name. A repository is `ADDRESS` or `OWNER/NAME=ADDRESS`,
    a folder is `NAME=PATH`; both are added to those of the file.
    """

    config: str = ""
    entries: Mapping[str, str] = field(default_factory=dict, repr=False)
    repositories: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def read(options: Options, environ: Mapping[str, str], here: Path) -> ServerSettings:
    """The settings of a server that is started in the folder `here`.

    Raises `BadInput`, which says in one line all that is wrong, and where.
    """
    return _read(ConfigurationForm, options, environ, here).settings()


def read_database(options: Options, environ: Mapping[str, str], here: Path) -> str:
    """The URL of that server's database; the other settings, and their secrets, need not be there.

    Raises `BadInput`, which does not show the URL.
    """
    return _read(DatabaseForm, options, environ, here).address


Form = TypeVar("Form", bound=BaseModel)


def _read(form: type[Form], options: Options, environ: Mapping[str, str], here: Path) -> Form:
    file = options.config or environ.get(FILE, "")
    whole = _file(file, environ, here)
    sources = _Sources(_document(whole) if file else {})
    sources.overlay(options, environ, here)
    place = Place(whole.parent if file else here, environ)
    try:
        return form.model_validate(sources.told, context=place)
    except ValidationError as error:
        faults = "; ".join(sources.faults(error))
    raise BadInput(f"the configuration is wrong: {faults}", _HINT)


@dataclass(slots=True)
class _Sources:
    """What is told so far, and which of it does not come from the file."""

    told: dict[str, Any]
    origins: dict[tuple[str | int, ...], str] = field(default_factory=dict)

    def overlay(self, options: Options, environ: Mapping[str, str], here: Path) -> None:
        """Put the environment over the file, and the options over both."""
        for entry, variable in VARIABLES.items():
            if text := options.entries.get(entry, ""):
                self._set(entry, _of_option(entry, text, here), f"--{entry}")
            elif text := environ.get(variable, ""):
                self._set(entry, _of_variable(entry, variable, text, here), variable)
        repositories = self.told.setdefault("repositories", [])
        for given in options.repositories if isinstance(repositories, list) else ():
            self.origins["repositories", len(repositories)] = "--repository"
            repositories.append(_repository(given, here))
        folders = self.told.setdefault("folders", {})
        for given in options.folders if isinstance(folders, dict) else ():
            name, _, path = given.partition("=")
            self.origins["folders", name] = "--folder"
            folders[name] = _below(here, path) if path else ""

    def _set(self, entry: str, value: object, origin: str) -> None:
        self.told[entry] = value
        self.origins[(entry,)] = origin

    def faults(self, error: ValidationError) -> Iterator[str]:
        """One text for each fault, e.g. `repositories[0].url: is not an address`."""
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
    """Where the configuration is; raises `BadInput` where its `~` says nothing."""
    try:
        return Place(here, environ).path(text)
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
    """The path relative to `here`; what its `~` says is judged with the other entries."""
    return text if text.startswith("~") else str(here / text)


def _shows_password(database: str) -> bool:
    try:
        return has_password(database)
    except ValueError:
        return False  # no URL at all, as will be said


def _repository(given: str, here: Path) -> dict[str, str]:
    """`OWNER/NAME=ADDRESS` or `ADDRESS`, as an entry of the file."""
    name, separator, address = given.partition("=")
    if not separator or ":" in name or name.startswith((".", "/")):
        name, address = "", given
    if address.startswith(("./", "../")) or address in (".", ".."):
        address = str(here / address)
    return {"name": name, "url": address} if name else {"url": address}


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML would take the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(
                None, None, f"{twice[0]!r} is there twice", mark
            )
        return super().construct_mapping(node, deep)


def _document(path: Path) -> dict[str, Any]:
    """The file's entries, not yet judged."""
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
