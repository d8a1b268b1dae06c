"""`studio-action serve --check`: checks that repositories, storages and issuers can be read."""

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
from studio_action.server.files.relaying import Refusal, relayed_headers
from studio_action.server.links import InWebRemote, ServedFile
from studio_action.server.openid.provider import LogInSettings, read_endpoints
from studio_action.server.registry.models import Models
from studio_action.server.settings import ServedRepository
from studio_action.server.token_exchange.discovery import Discovery
from studio_action.server.token_exchange.issuers import TrustedIssuer
from studio_action.text import printable

_LIMITS = Limits(timeout=30.0)
"""A storage counts as unreachable after these seconds without a byte."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result for a repository; `fault` is an error that somebody has to fix, or None."""

    repository: str
    text: str
    fault: StudioActionError | None = None


def run(
    repositories: Sequence[ServedRepository],
    models: Models,
    network: Network,
    say: Callable[[str], None],
) -> int:
    """Check every repository and print the results; return the first fault's exit code, or 0."""
    code = 0
    for repository in repositories:
        for finding in _check(repository, models, network):
            say(printable(f"{finding.repository}: {finding.text}"))
            if finding.fault is not None:
                code = code or finding.fault.exit_code
    return code


def run_issuers(
    issuers: Sequence[TrustedIssuer], discovery: Discovery, say: Callable[[str], None]
) -> int:
    """Read the keys of every trusted issuer; return the first fault's exit code, or 0."""
    code = 0
    for issuer in issuers:
        try:
            count = len({key.kid for key in discovery.keys(issuer.url)})
            say(printable(f"{issuer.name}: {issuer.url} reached; keys: {count}"))
        except StudioActionError as error:
            say(printable(f"{issuer.name}: {error}"))
            code = code or error.exit_code
    return code


def run_log_in(
    log_in: LogInSettings | None, discovery: Discovery, say: Callable[[str], None]
) -> int:
    """Read the endpoints of the provider that people log in with; return an exit code."""
    if log_in is None:
        return 0
    try:
        read_endpoints(log_in, discovery.document(log_in.issuer.url))
    except StudioActionError as error:
        say(printable(f"log-in: {error}"))
        return error.exit_code
    return run_issuers([log_in.issuer], discovery, lambda text: say(f"log-in: {text}"))


def run_database(address: str, say: Callable[[str], None]) -> int:
    """Check the database and return an exit code; SQLite's file is only created at start."""
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


def _check(repository: ServedRepository, models: Models, network: Network) -> Iterator[Finding]:
    """Yield the results for a repository; request one file of each model's latest version.

    A model that is not annotated, or was never pushed, is not the server's fault.
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
    for path, lost in _unreadable(files, network):
        gone = ObjectMissing(
            "a file of its latest version is missing in its storage, or was never pushed"
        )
        shut = Unreachable("a file of its latest version cannot be read from its storage")
        yield Finding(repository.name, f"{path}: {gone if lost else shut}", None if lost else shut)


def _unreadable(files: Sequence[RemoteFile], network: Network) -> Iterator[tuple[str, bool]]:
    """Yield the names of unreadable files, and whether they are missing in their storage."""
    seen = sizes.look(files, network, _LIMITS)
    lost = {file.path for file in seen.lost}
    yield from ((file.path, file.path in lost) for file in seen.files if file.size is None)


def _one_file(
    repository: ServedRepository, name: ModelName, models: Models
) -> Iterator[RemoteFile]:
    """Yield a file of the latest version, named like the model, without a size.

    Yield nothing if the server must request it with a password; then request it here.
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
        _request_one_byte(relayed[largest.url], models)
    else:
        yield replace(largest, path=str(name), size=None)


def _request_one_byte(file: InWebRemote, models: Models) -> None:
    """Request one byte of a file; raise an error if the server could not relay it."""
    headers = {"Range": "bytes=0-0"}
    response = models.open_remote_file("GET", file, headers)
    response.close()
    head = relayed_headers(headers, response)
    if isinstance(head, Refusal):
        raise (ObjectMissing if head.status == HTTPStatus.NOT_FOUND else Unreachable)(head.detail)
