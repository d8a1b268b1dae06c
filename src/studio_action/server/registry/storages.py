"""The DVC remotes of repositories that are served: whose word counts, and what it opens.

The repository is somebody else's text, and the credentials are ours. What it may say of a remote
(`remotes.trust`) and where a credential may go (`remotes.credentials`) is decided as in a job.
What is different here: the server's configuration is what was said outside, and who asks is not
who runs it.

- The server's own credentials (those of its environment, and those that its configuration gives)
  serve a remote only if the configuration names the remote's `url` for that repository, or says
  `any_storage: true` of it. A remote whose `url` is named is described by the configuration alone;
  the repository says no more than how it is laid out.
- Any other remote is opened with no `Identity`: with what the repository itself says, or as one
  that is open to all.
- A folder is read only within the server's `folders`, and DVC's own configuration files of this
  machine do not count.
- What needs a header, or a token that opens more than one file, is not given out as a URL. Of the
  former, the server itself passes on what the configuration names (`relayed`).

What remains: the list of a folder's files is fetched from where the repository's text says, and
checked against its digest. Addresses that machines keep for themselves are refused there, but not
names or redirects that lead to them: keep a server away from networks that trust whoever is inside.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import unquote

from studio_action.errors import BadInput, ObjectMissing, StudioActionError
from studio_action.gitrepo.dvc.config import Config, ConfigFile, Settings
from studio_action.gitrepo.dvc.trust import LAYOUT, Option, ignored_options_warning
from studio_action.gitrepo.internal_addresses import is_internal_address
from studio_action.gitrepo.remotes.azure import AzureRemote
from studio_action.gitrepo.remotes.base import Remote
from studio_action.gitrepo.remotes.opening import RemoteOpener
from studio_action.server.links import InFolder
from studio_action.server.registry.keyed_locks import KeyedLocks
from studio_action.server.settings import ServedRepository
from studio_action.text import printable

KEPT = 900.0
"""Seconds that an opened remote is used."""
KEPT_FAILURE = 30.0
"""Seconds that a remote which could not be opened is not tried again."""
MOST_KEPT = 100

TRUSTED = "any_storage"
"""The option of a remote whose repository is trusted to say where it is; none can say it itself."""

_SECRETS = frozenset(
    {
        "access_key_id",
        "account_key",
        "client_secret",
        "connection_string",
        "credentialpath",
        "password",
        "profile",
        "sas_token",
        "secret_access_key",
        "session_token",
    }
)
_UNSAID = Option("", "repository")


@dataclass(frozen=True, slots=True)
class ServedFolder:
    """A remote that is a folder of this machine: `path` in the server's folder `name`."""

    name: str
    path: str

    def file(self, key: str) -> InFolder:
        """The file at `key`."""
        return InFolder(self.name, f"{self.path}/{key}" if self.path else key)


Opened = Remote | ServedFolder


class Storages:
    """Opens remotes, and keeps them open for a while; safe to use from any thread.

    `ours` opens remotes with the server's own credentials, `theirs` without. `now` counts seconds;
    `say` tells whoever runs the server.
    """

    def __init__(
        self,
        folders: Mapping[str, Path],
        *,
        ours: RemoteOpener,
        theirs: RemoteOpener,
        now: Callable[[], float],
        say: Callable[[str], None],
    ) -> None:
        self._folders = {name: path.resolve() for name, path in folders.items()}
        self._ours, self._theirs, self._now = ours, theirs, now
        self._kept: OrderedDict[object, tuple[float, Opened | StudioActionError]] = OrderedDict()
        self._lock, self._locks = Lock(), KeyedLocks()
        self._say, self._said = say, OrderedDict[str, None]()

    def opened(self, settings: Settings) -> Opened:
        """The remote; raises `BadInput` where it may not or cannot be opened, or `Unreachable`."""
        name = settings.identity
        found = self._find(name)
        if found is None:
            with self._locks.hold(name):
                found = self._find(name) or self._keep(name, self._tried(settings))
        if isinstance(found, StudioActionError):
            raise type(found)(found.message, found.hint)
        return found

    def place(self, file: InFolder) -> Path:
        """The file of this machine; raises `ObjectMissing` where there is none in the folder."""
        folder = self._folders.get(file.folder)
        if folder is not None:
            place = Path(os.path.realpath(folder / file.path))
            if place.is_relative_to(folder) and place.is_file():
                return place
        raise ObjectMissing(
            f"{printable(file.path, 300)!r} is not in the server's folder {file.folder!r}",
            "Push the model with `dvc push`, or mount the folder",
        )

    def _find(self, name: object) -> Opened | StudioActionError | None:
        with self._lock:
            until, found = self._kept.get(name, (0.0, None))
            return found if self._now() < until else None

    def _keep(self, name: object, found: Opened | StudioActionError) -> Opened | StudioActionError:
        seconds = KEPT_FAILURE if isinstance(found, StudioActionError) else KEPT
        with self._lock:
            self._kept[name] = self._now() + seconds, found
            self._kept.move_to_end(name)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def _tried(self, settings: Settings) -> Opened | StudioActionError:
        try:
            return self._open(settings)
        except StudioActionError as error:
            return error

    def _open(self, settings: Settings) -> Opened:
        if not settings.scheme:
            return self._folder(settings)
        if {".", ".."} & set(unquote(settings.url).split("/")):
            raise _refused(settings, "its url leads upwards", "Correct .dvc/config")
        if settings.origin == "repository":
            self._tell(settings)
            return _outward(settings, self._theirs(settings))
        remote = self._ours(settings)
        if isinstance(remote, AzureRemote) and remote.account.sas:
            raise _refused(
                settings,
                "its SAS token, which may open more, would be given to every caller",
                "Give the server an account key, a connection string or a log-in of Azure",
            )
        return remote

    def _tell(self, settings: Settings) -> None:
        """Say once which options of a repository do not count."""
        if not settings.dropped:
            return
        told = ignored_options_warning(
            settings.name, settings.dropped, "among the remotes of the configuration"
        )
        with self._lock:
            new = told not in self._said
            self._said[told] = None
            while len(self._said) > MOST_KEPT:
                self._said.popitem(last=False)
        if new:
            self._say(told)

    def _folder(self, settings: Settings) -> ServedFolder:
        place = Path(os.path.realpath(settings.url.replace("\0", "�")))
        around = [
            name
            for name, folder in self._folders.items()
            if Path(settings.url).is_absolute() and place.is_relative_to(folder)
        ]
        if not around:
            raise BadInput(
                f"Local remote was ignored: {settings.name!r} is not in a folder of the server",
                "Add its folder to the server's configuration, or use a remote in a cloud",
            )
        name = max(around, key=lambda name: len(self._folders[name].parts))
        path = place.relative_to(self._folders[name])
        return ServedFolder(name, "" if path == Path() else path.as_posix())


def governed(repository: ServedRepository, path: str, committed: str) -> Config:
    """DVC's configuration as it counts here: the text `committed` at `path`, and the server's.

    Raises `BadInput` for a configuration of the server that gives credentials away.
    """
    check(repository)
    said = Config.read([ConfigFile(path, committed, None)])
    ours = _lower(repository.remotes)
    remotes = {
        name: _governed(said.remotes.get(name, {}), ours.get(name, {}))
        for name in {*said.remotes, *ours}
    }
    for name, options in remotes.items():
        if not _is_ours(options) and any(map(_is_ours, _bases(name, remotes))):
            remotes[name] = _only(options, {"url", *LAYOUT})
    return Config(said.default, remotes, said.dropped)


def check(repository: ServedRepository) -> None:
    """Raise `BadInput` where the configuration's options of a remote give credentials away."""
    ours = _lower(repository.remotes)
    for name, options in ours.items():
        place = f"the remote {name!r} of {repository.name}"
        base = options.get("url", "").removeprefix("remote://").partition("/")[0].lower()
        if options.get("url", "").startswith("remote://") and not ours.get(base, {}).get("url"):
            raise BadInput(f"{place} is in a remote whose url is not named", f"Name that of {base}")
        if _SECRETS & set(options) and not options.get("url") and not _is_on(options, TRUSTED):
            raise BadInput(
                f"{place} has credentials, which the repository could point anywhere",
                f"Name its url beside them, or set {TRUSTED}: true",
            )


def _governed(said: Mapping[str, Option], ours: Mapping[str, str]) -> Mapping[str, Option]:
    here = {name: Option(text, "outside") for name, text in ours.items()}
    if ours.get("url"):
        return {**_only(said, LAYOUT), **here}
    if _is_on(ours, TRUSTED):
        said = {name: Option(option.text, "outside") for name, option in said.items()}
    return {**said, **here}


def _is_ours(options: Mapping[str, Option]) -> bool:
    return options.get("url", _UNSAID).origin == "outside"


def _only(options: Mapping[str, Option], names: Collection[str]) -> dict[str, Option]:
    return {name: option for name, option in options.items() if name in names}


def _bases(
    name: str, remotes: Mapping[str, Mapping[str, Option]]
) -> Iterator[Mapping[str, Option]]:
    """The remotes that one is a folder of, `remote://base/folder`."""
    for _ in remotes:
        url = remotes.get(name, {}).get("url", _UNSAID).text
        if not url.startswith("remote://"):
            return
        name = url.removeprefix("remote://").partition("/")[0].lower()
        yield remotes.get(name, {})


def _outward(settings: Settings, remote: Remote) -> Remote:
    """The remote of a stranger, unless signing for it would ask a machine of the server's own."""
    if isinstance(remote, AzureRemote) and is_internal_address(remote.account.endpoint):
        raise _refused(settings, "it is at an address of the server's own network", "Name its url")
    return remote


def _lower(remotes: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {
        name.lower(): {option.lower(): text for option, text in options.items()}
        for name, options in remotes.items()
    }


def _is_on(options: Mapping[str, str], name: str) -> bool:
    return options.get(name, "").lower() == "true"


def _shown(settings: Settings) -> str:
    return f"the remote {settings.name!r} ({printable(settings.scheme, 20)}://)"


def _refused(settings: Settings, why: str, hint: str) -> BadInput:
    return BadInput(f"Remote not supported: of {_shown(settings)}, {why}", hint)
