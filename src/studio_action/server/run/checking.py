"""`studio-action serve --check`: whether the repositories and their storage can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from studio_action.download import sizes
from studio_action.errors import NotFound, ObjectMissing, StudioActionError, Unreachable
from studio_action.model.artifact import Latest, ModelName, RemoteFile
from studio_action.net.clock import Limits
from studio_action.net.network import Network
from studio_action.server.db import database
from studio_action.server.files.relaying import Refusal, judged
from studio_action.server.links import InWebRemote, ServedFile
from studio_action.server.registry.models import Models
from studio_action.server.settings import ServedRepository
from studio_action.text import printable

_LIMITS = Limits(timeout=30.0)
"""After so many seconds without a byte, a storage counts as out of reach."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one repository; `fault` is what somebody has to mend, if anything."""

    repository: str
    text: str
    fault: StudioActionError | None = None


def run(
    repositories: Sequence[ServedRepository],
    models: Models,
    network: Network,
    say: Callable[[str], None],
) -> int:
    """Look at every repository, and say what is there; the exit code is the first fault's."""
    code = 0
    for repository in repositories:
        for finding in _examined(repository, models, network):
            say(printable(f"{finding.repository}: {finding.text}"))
            if finding.fault is not None:
                code = code or finding.fault.exit_code
    return code


def run_database(address: str, say: Callable[[str], None]) -> int:
    """Say whether the database can be reached; the exit code. SQLite's file is made at start."""
    engine = database.open_engine(address)
    try:
        if engine.dialect.name != "sqlite":
            with database.reading(engine):
                say("the database: reached")
    except StudioActionError as error:
        say(printable(f"the database: {error}"))
        return error.exit_code
    finally:
        engine.dispose()
    return 0


def _examined(repository: ServedRepository, models: Models, network: Network) -> Iterator[Finding]:
    """One file of the latest version of each model is asked for.

    That a model was not annotated or never pushed is for those who made it: no fault here.
    """
    try:
        models.refresh(repository)
        known = models.catalogue(repository).models
    except StudioActionError as error:
        yield Finding(repository.name, f"cannot be read: {error}", error)
        return
    names = sorted((name for name, model in known.items() if model.versions), key=str)
    yield Finding(repository.name, f"reached; models: {len(names)}")
    files: list[RemoteFile] = []
    for name in names:
        try:
            files.extend(_one_file(repository, name, models))
        except NotFound as error:
            yield Finding(repository.name, f"{name}: {error}")
        except StudioActionError as error:
            yield Finding(repository.name, f"{name}: {error}", error)
    for path, lost in _unread(files, network):
        gone = ObjectMissing(
            "a file of its latest version was lost by its storage, or never pushed"
        )
        shut = Unreachable("a file of its latest version cannot be read from its storage")
        yield Finding(repository.name, f"{path}: {gone if lost else shut}", None if lost else shut)


def _unread(files: Sequence[RemoteFile], network: Network) -> Iterator[tuple[str, bool]]:
    """The names of files that cannot be read, and whether their storage is sure to have none."""
    seen = sizes.look(files, network, _LIMITS)
    lost = {file.path for file in seen.lost}
    yield from ((file.path, file.path in lost) for file in seen.files if file.size is None)


def _one_file(
    repository: ServedRepository, name: ModelName, models: Models
) -> Iterator[RemoteFile]:
    """A file of the latest version, as if it were called by the model's name and of any size.

    Nothing where the server has to ask for it with a password: then it is asked for here.
    """
    relayed: dict[str, InWebRemote] = {}

    def link(file: ServedFile) -> str:
        if not isinstance(file, InWebRemote):
            return models.file(file).as_uri()
        url = f"https://{len(relayed)}.invalid"
        relayed[url] = file
        return url

    found = models.resolve(repository, name, Latest(), link=link)
    largest = max(found.files, key=lambda file: file.size or 0)
    if largest.url in relayed:
        _ask(relayed[largest.url], models)
    else:
        yield replace(largest, path=str(name), size=None)


def _ask(file: InWebRemote, models: Models) -> None:
    """Ask for one byte; raise what the server would say if it could not pass the file on."""
    asked = {"Range": "bytes=0-0"}
    answer = models.ask("GET", file, asked)
    answer.end()
    head = judged(asked, answer)
    if isinstance(head, Refusal):
        raise (ObjectMissing if head.status == HTTPStatus.NOT_FOUND else Unreachable)(head.detail)
