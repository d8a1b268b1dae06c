"""Opens the DVC remotes of served repositories, and decides which credentials each may use.

Others write the repositories, but the credentials are the server's. As in a job, `remotes.trust`
decides which options of a repository count, and `remotes.credentials` where credentials may go.
Here, the server's configuration takes the place of a job's own options; clients are not trusted.

- The server's own credentials (those of its environment, and those that its configuration gives)
  serve a remote only if the configuration names the remote's `url` for that repository, or sets
  `any_storage: true` for it. A remote whose `url` is named is described by the configuration alone;
  of the repository's options only those of its layout count.
- Any other remote is opened with no `Identity`: with the repository's own options, or as a public
  one.
- A folder is read only within the server's `folders`, and DVC's own configuration files of this
  machine do not count.
- Files that need a header, or a token valid for more than one file, get no URL. The server relays
  those that need a header from remotes that the configuration names (`relayed`).

One risk remains: a manifest is downloaded from the URL in the repository, and then verified by its
digest. Internal addresses are refused there, but not host names or redirects that lead to them: do
not run a server in a network that trusts every machine in it.
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
"""The seconds that an opened remote is reused."""
KEPT_FAILURE = 30.0
"""The seconds after which a remote that could not be opened is tried again."""
MOST_KEPT = 100

TRUSTED = "any_storage"
"""The option that lets a repository choose a remote's URL; repositories cannot set it."""

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
    """A remote in a folder of this machine: `path` in the server's folder `name`."""

    name: str
    path: str

    def file(self, key: str) -> InFolder:
        """Return the file at `key`."""
        return InFolder(self.name, f"{self.path}/{key}" if self.path else key)


Opened = Remote | ServedFolder


class ServedStorages:
    """Opens remotes and reuses them for a while; safe to use from any thread.

    `with_credentials` opens remotes with the server's own credentials, `without_credentials` with
    none. `now` returns seconds; `say` writes a line to the server's log.
    """

    def __init__(
        self,
        folders: Mapping[str, Path],
        *,
        with_credentials: RemoteOpener,
        without_credentials: RemoteOpener,
        now: Callable[[], float],
        say: Callable[[str], None],
    ) -> None:
        self._folders = {name: path.resolve() for name, path in folders.items()}
        self._with_credentials, self._without_credentials = with_credentials, without_credentials
        self._now = now
        self._kept: OrderedDict[object, tuple[float, Opened | StudioActionError]] = OrderedDict()
        self._lock, self._locks = Lock(), KeyedLocks()
        self._say, self._said = say, OrderedDict[str, None]()

    def opened(self, settings: Settings) -> Opened:
        """Return the opened remote; raise `BadInput` if not possible, or `Unreachable`."""
        name = settings.identity
        found = self._find(name)
        if found is None:
            with self._locks.hold(name):
                found = self._find(name) or self._keep(name, self._try_open(settings))
        if isinstance(found, StudioActionError):
            raise type(found)(found.message, found.hint)
        return found

    def local_path(self, file: InFolder) -> Path:
        """Return the path of a file; raise `ObjectMissing` if it is not in its folder."""
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

    def _try_open(self, settings: Settings) -> Opened | StudioActionError:
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
            self._log_dropped(settings)
            return _check_endpoint(settings, self._without_credentials(settings))
        remote = self._with_credentials(settings)
        if isinstance(remote, AzureRemote) and remote.account.sas:
            raise _refused(
                settings,
                "its SAS token, which may open more, would be given to every caller",
                "Give the server an account key, a connection string or a log-in of Azure",
            )
        return remote

    def _log_dropped(self, settings: Settings) -> None:
        """Log, once, which options of a repository do not count."""
        if not settings.dropped:
            return
        message = ignored_options_warning(
            settings.name, settings.dropped, "among the remotes of the configuration"
        )
        with self._lock:
            new = message not in self._said
            self._said[message] = None
            while len(self._said) > MOST_KEPT:
                self._said.popitem(last=False)
        if new:
            self._say(message)

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


def check_folder(repository: ServedRepository, settings: Settings, opened: object) -> None:
    """Raise `BadInput` for a folder that a repository names itself and may not name.

    Whoever can write to it could else read what others keep there, by its digest.
    """
    if not isinstance(opened, ServedFolder) or settings.origin != "repository":
        return
    if repository.folders is not None and opened.name not in repository.folders:
        raise BadInput(
            f"Remote not supported: {settings.name!r} is in a folder that {repository.name} may not"
            " name itself",
            "Name the remote's url in the server's configuration, or the folder among the"
            " repository's `folders`",
        )


def effective_config(repository: ServedRepository, path: str, committed: str) -> Config:
    """DVC's configuration as it counts here: the text `committed` at `path`, and the server's.

    Raises `BadInput` for a configuration of the server that gives credentials away.
    """
    check_remotes(repository)
    said = Config.read([ConfigFile(path, committed, None)])
    configured = _lower(repository.remotes)
    remotes = {
        name: _effective_options(said.remotes.get(name, {}), configured.get(name, {}))
        for name in {*said.remotes, *configured}
    }
    for name, options in remotes.items():
        if not _is_url_configured(options) and any(map(_is_url_configured, _bases(name, remotes))):
            remotes[name] = _only(options, {"url", *LAYOUT})
    return Config(said.default, remotes, said.dropped)


def check_remotes(repository: ServedRepository) -> None:
    """Raise `BadInput` if the configuration could send a remote's credentials anywhere."""
    configured = _lower(repository.remotes)
    for name, options in configured.items():
        place = f"the remote {name!r} of {repository.name}"
        base = options.get("url", "").removeprefix("remote://").partition("/")[0].lower()
        if options.get("url", "").startswith("remote://") and not configured.get(base, {}).get(
            "url"
        ):
            raise BadInput(f"{place} is in a remote whose url is not named", f"Name that of {base}")
        if _SECRETS & set(options) and not options.get("url") and not _is_on(options, TRUSTED):
            raise BadInput(
                f"{place} has credentials, which the repository could point anywhere",
                f"Name its url beside them, or set {TRUSTED}: true",
            )


def _effective_options(
    said: Mapping[str, Option], configured: Mapping[str, str]
) -> Mapping[str, Option]:
    """Return the options of one remote: the repository's that count, then the server's."""
    own = {name: Option(text, "outside") for name, text in configured.items()}
    if configured.get("url"):
        return {**_only(said, LAYOUT), **own}
    if _is_on(configured, TRUSTED):
        said = {name: Option(option.text, "outside") for name, option in said.items()}
    return {**said, **own}


def _is_url_configured(options: Mapping[str, Option]) -> bool:
    return options.get("url", _UNSAID).origin == "outside"


def _only(options: Mapping[str, Option], names: Collection[str]) -> dict[str, Option]:
    return {name: option for name, option in options.items() if name in names}


def _bases(
    name: str, remotes: Mapping[str, Mapping[str, Option]]
) -> Iterator[Mapping[str, Option]]:
    """Yield the remotes that a `remote://base/folder` is in."""
    for _ in remotes:
        url = remotes.get(name, {}).get("url", _UNSAID).text
        if not url.startswith("remote://"):
            return
        name = url.removeprefix("remote://").partition("/")[0].lower()
        yield remotes.get(name, {})


def _check_endpoint(settings: Settings, remote: Remote) -> Remote:
    """Return the remote; raise `BadInput` if signing for it would contact an internal address."""
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
