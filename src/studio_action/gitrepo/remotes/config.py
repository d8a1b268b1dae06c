"""DVC's configuration: which remotes a repository has, and what is said about each. Pure.

The format is ConfigObj's, in which DVC itself reads and writes it; several files may say
something, each over the ones before it (https://dvc.org/doc/user-guide/project-structure/configuration).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from configobj import ConfigObj, ConfigObjError

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.text import printable

_REMOTE = re.compile(r'\s*remote\s*"(?P<name>.*)"\s*')
_HAS_SCHEME = re.compile(r"\w+://")
_PATHS = ("url", "credentialpath", "configpath")
_MOST_REFERENCES = 10


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The text of one configuration file; relative paths in it are below `folder`.

    `folder` of None: the file is in a repository that has no checkout here.
    """

    name: str
    text: str = field(repr=False)
    folder: Path | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What is said about one remote; options may hold secrets."""

    name: str
    url: str = field(repr=False)
    options: Mapping[str, str] = field(repr=False)

    def __getitem__(self, option: str) -> str:
        """The option's value, '' where nothing is said."""
        return self.options.get(option, "")

    def flag(self, option: str, *, default: bool = False) -> bool:
        """The value of a switch."""
        return {"true": True, "false": False}.get(self[option].lower(), default)

    @property
    def identity(self) -> tuple[object, ...]:
        """What is equal for equal settings, and can be a key. It may hold secrets."""
        return (self.name, self.url, *sorted(self.options.items()))

    @property
    def scheme(self) -> str:
        """What kind of storage it is; '' for a folder."""
        return self.url.partition("://")[0].lower() if _HAS_SCHEME.match(self.url) else ""

    @property
    def bucket(self) -> str:
        """The bucket or container that the URL names."""
        return self.url.partition("://")[2].partition("/")[0]

    def below(self, key: str) -> str:
        """`key`, which is below the URL, as a key of the bucket."""
        prefix = self.url.partition("://")[2].partition("/")[2]
        return str(PurePosixPath(prefix, key))


@dataclass(frozen=True, slots=True)
class Config:
    """All files together."""

    default: str
    remotes: Mapping[str, Mapping[str, str]] = field(repr=False)

    @classmethod
    def read(cls, files: Iterable[ConfigFile]) -> Config:
        """What `files` say, later ones over earlier ones.

        Raises `UnexpectedAnswer` for what is not in that format.
        """
        default = ""
        remotes: dict[str, dict[str, str]] = {}
        for file in files:
            for section, options in _sections(file).items():
                found = _REMOTE.fullmatch(section)
                if found:
                    known = remotes.setdefault(found["name"], {})
                    known.update((key, _resolved(key, text, file)) for key, text in options.items())
                elif section == "core":
                    default = options.get("remote", default).lower()
        return cls(default, remotes)

    def remote(self, name: str) -> Settings:
        """What is said about the remote `name`, '' for the default one.

        Raises `BadInput` where there is no such remote. A URL `remote://other/path` is a folder
        of another remote, whose options hold here too.
        """
        wanted = (name or self.default).lower()
        if not wanted:
            raise BadInput(
                "the repository has no default remote at this revision"
                + (f"; it has {_listed(self.remotes)}" if self.remotes else ""),
                "Set one with `dvc remote default`, and commit .dvc/config",
            )
        options = self._options(wanted)
        return Settings(wanted, options["url"].rstrip("/"), options)

    def _options(self, name: str, depth: int = 0) -> Mapping[str, str]:
        options = self.remotes.get(name, {})
        url = options.get("url", "")
        if not url or depth > _MOST_REFERENCES:
            raise BadInput(
                f"the repository has no remote {printable(name, 100)!r} at this revision"
                + (f"; it has {_listed(self.remotes)}" if self.remotes else ""),
                "Add it to .dvc/config, or to .dvc/config.local of the checkout",
            )
        if not url.startswith("remote://"):
            return options
        other, _, path = url.removeprefix("remote://").partition("/")
        base = self._options(other.lower(), depth + 1)
        return {**base, **options, "url": f"{base['url'].rstrip('/')}/{path}"}


def _sections(file: ConfigFile) -> Mapping[str, Mapping[str, str]]:
    """The options of each section, names in lower case."""
    try:
        content = ConfigObj(file.text.splitlines()).dict()
    except (ConfigObjError, UnicodeError) as error:
        raise UnexpectedAnswer(
            f"{file.name} cannot be read: {printable(type(error).__name__)}",
            "Correct it: `dvc config --list` tells what is wrong",
        ) from None  # the error's text quotes the line, which may hold a secret
    return {
        section.lower(): {key.lower(): str(text) for key, text in options.items()}
        for section, options in content.items()
        if isinstance(options, dict)
    }


def _resolved(key: str, text: str, file: ConfigFile) -> str:
    """The option's value; a path is made absolute, or is none where there is no checkout."""
    if key not in _PATHS or _HAS_SCHEME.match(text):
        return text
    path = Path(text)
    with suppress(RuntimeError):  # of a user who is not known here
        path = path.expanduser()
    if file.folder is None:
        return text if key == "url" or path.is_absolute() else ""
    return str(file.folder / path)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(printable(repr(name), 100) for name in sorted(names)[:20])
