"""DVC's configuration: which remotes a repository has, and what is said about each. Pure.

The format is ConfigObj's, in which DVC itself reads and writes it; several files may say
something, each over the ones before it (https://dvc.org/doc/user-guide/project-structure/configuration).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from configobj import ConfigObj, ConfigObjError

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.gitrepo.dvc import trust
from studio_action.gitrepo.dvc.trust import Option, Origin
from studio_action.text import printable

_REMOTE = re.compile(r'\s*remote\s*"(?P<name>.*)"\s*')
_HAS_SCHEME = re.compile(r"\w+://")
_PATHS = (
    "url",
    "credentialpath",
    "configpath",
    "keyfile",
    "cert_path",
    "key_path",
    "gdrive_user_credentials_file",
    "gdrive_service_account_json_file_path",
)
_MOST_REFERENCES = 10
_LARGEST = 1 << 18
"""Characters of a committed file; a hundred remotes stay far below."""
_MOST_INTERPOLATIONS = 12
"""In a committed file: references in references may double it as often, or make it 80 times it."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The text of one configuration file; relative paths in it are below `folder`.

    `folder` of None: the file is in a repository that has no checkout here. `origin` says who wrote
    it; of what a repository says, only that counts which it may say (`trust.allowed_options`).
    """

    name: str
    text: str = field(repr=False)
    folder: Path | None
    origin: Origin = "repository"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is said about one remote, and by whom; options may hold secrets.

    `named` is that part of the URL which was said outside of the repository, '' if nothing was;
    `dropped` are the committed options that do not count.
    """

    name: str
    url: str = field(repr=False)
    options: Mapping[str, Option] = field(repr=False)
    named: str = field(default="", repr=False)
    dropped: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, name: str, url: str, options: Mapping[str, str], origin: Origin = "outside"
    ) -> Settings:
        """Return a remote of which everything is said in one place."""
        said = {option: Option(text, origin) for option, text in options.items()}
        return cls(name, url, said, url if origin == "outside" else "")

    def __getitem__(self, option: str) -> str:
        """Return the option's value, '' if it is not set."""
        found = self.options.get(option)
        return found.text if found else ""

    def origin_of(self, *options: str) -> Origin:
        """Return who said these; `outside` if any was said there, as a secret may be."""
        said = {self.options[option].origin for option in options if self[option]}
        return "outside" if "outside" in said else "repository"

    @property
    def origin(self) -> Origin:
        """Who said where the storage is: a folder of an address from outside is there, too."""
        return "outside" if trust.is_below(self.url, self.named) else "repository"

    def flag(self, option: str, *, default: bool = False) -> bool:
        """Return the value of a switch."""
        return {"true": True, "false": False}.get(self[option].lower(), default)

    @property
    def identity(self) -> tuple[object, ...]:
        """What is equal for equal settings, and can be a key. It may hold secrets."""
        options = sorted((name, said.text, said.origin) for name, said in self.options.items())
        return (self.name, self.url, self.named, *options)

    @property
    def scheme(self) -> str:
        """What kind of storage it is; '' for a folder."""
        return self.url.partition("://")[0].lower() if _HAS_SCHEME.match(self.url) else ""

    @property
    def bucket(self) -> str:
        """The bucket or container that the URL names."""
        return self.url.partition("://")[2].partition("/")[0]

    def below(self, key: str) -> str:
        """Return `key`, which is below the URL, as a key of the bucket."""
        prefix = self.url.partition("://")[2].partition("/")[2]
        return str(PurePosixPath(prefix, key))


@dataclass(frozen=True, slots=True)
class Config:
    """All files together."""

    default: str
    remotes: Mapping[str, Mapping[str, Option]] = field(repr=False)
    dropped: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, files: Iterable[ConfigFile]) -> Config:
        """Return what `files` say, later ones over earlier ones.

        Raises `UnexpectedAnswer` for what is not in that format.
        """
        default = ""
        remotes: dict[str, dict[str, Option]] = {}
        dropped: dict[str, frozenset[str]] = {}
        for file in files:
            sections = _sections(file)
            default = sections.get("core", {}).get("remote", default).lower()
            for name, said in _remotes(sections).items():
                if file.origin == "repository":
                    said, without = trust.allowed_options(said)
                    dropped[name] = dropped.get(name, frozenset()) | frozenset(without)
                known = remotes.setdefault(name, {})
                known.update((key, _over(known, key, text, file)) for key, text in said.items())
        return cls(default, remotes, dropped)

    def remote(self, name: str) -> Settings:
        """Return what is said about the remote `name`, '' for the default one.

        Raises `BadInput` where there is no such remote. A URL `remote://other/path` is a folder
        of another remote, whose options hold here too.
        """
        wanted = (name or self.default).lower()
        if not wanted:
            raise BadInput(
                "no default remote is configured at this revision"
                + (f"; it has {_listed(self.remotes)}" if self.remotes else ""),
                "Set one with `dvc remote default`, and commit .dvc/config",
            )
        found = self._settings(wanted)
        return replace(found, name=wanted, url=found.url.rstrip("/"), named=found.named.rstrip("/"))

    def _settings(self, name: str, depth: int = 0) -> Settings:
        options = self.remotes.get(name, {})
        said = options.get("url")
        if said is None or not said.text or depth > _MOST_REFERENCES:
            raise BadInput(
                f"no remote is named {printable(name, 100)!r} at this revision"
                + (f"; it has {_listed(self.remotes)}" if self.remotes else ""),
                "Add it to .dvc/config, or to .dvc/config.local of the checkout",
            )
        dropped = self.dropped.get(name, frozenset())
        url, outside = said.text, said.origin == "outside"
        if not url.startswith("remote://"):
            return Settings(name, url, options, url if outside else "", tuple(sorted(dropped)))
        other, _, path = url.removeprefix("remote://").partition("/")
        base = self._settings(other.lower(), depth + 1)
        url = f"{base.url.rstrip('/')}/{path}"
        # Who said the whole of it named the folder, too.
        named = url if outside and base.named == base.url else base.named
        return Settings(
            name,
            url,
            {**base.options, **options, "url": Option(url, said.origin)},
            named,
            tuple(sorted(dropped.union(base.dropped))),
        )


def _sections(file: ConfigFile) -> Mapping[str, Mapping[str, str]]:
    """Return the options of each section, names in lower case."""
    if file.origin == "repository" and not _is_of_sane_size(file.text):
        raise UnexpectedAnswer(
            f"{file.name} cannot be read: it is too long, or refers to itself too often",
            "Correct it in the repository",
        )
    try:
        content = ConfigObj(file.text.splitlines()).dict()
    except (ConfigObjError, UnicodeError) as error:
        raise UnexpectedAnswer(
            f"{file.name} cannot be read: {printable(type(error).__name__)}",
            "Correct it: `dvc config --list` shows what is wrong",
        ) from None  # the error's text quotes the line, which may hold a secret
    return {
        section.lower(): {key.lower(): str(text) for key, text in options.items()}
        for section, options in content.items()
        if isinstance(options, dict)
    }


def _is_of_sane_size(text: str) -> bool:
    """Return whether a stranger's file stays small when its `%(name)s` are filled in, one in
    another.
    """
    return len(text) <= _LARGEST and text.count("%(") <= _MOST_INTERPOLATIONS


def _remotes(sections: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """Return what one file says about each remote; of two sections for one, the last counts, as in
    DVC.
    """
    found = ((_REMOTE.fullmatch(section), options) for section, options in sections.items())
    return {match["name"]: options for match, options in found if match}


def _over(known: Mapping[str, Option], key: str, text: str, file: ConfigFile) -> Option:
    """Return the option as `file` has it; repeating what was said outside changes no origin."""
    found, before = Option(_resolved(key, text, file), file.origin), known.get(key)
    repeated = before is not None and before.text == found.text and before.origin == "outside"
    return before if before and repeated else found


def _resolved(key: str, text: str, file: ConfigFile) -> str:
    """Return the option's value; a path is made absolute, or is none where there is no checkout."""
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
