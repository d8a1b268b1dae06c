"""The Python interface: `studio_action.resolve` and `studio_action.download`.

Nothing here prints, ends the process or handles signals. A failure is an exception of
`studio_action.errors`; the log goes to the logger `studio_action`; every value is frozen.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict

from studio_action.ci.console import Console
from studio_action.ci.job import NO_SYSTEM, Job
from studio_action.errors import Cancelled
from studio_action.gitrepo.checkout import origin
from studio_action.inputs.config import Download as DownloadTask
from studio_action.inputs.config import Resolve as ResolveTask
from studio_action.inputs.config import RunConfig
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.outputs_table import DOWNLOAD, RESOLVE
from studio_action.net.clock import Deadline
from studio_action.outputs.manifest import digest_text
from studio_action.run import commands
from studio_action.run.context import RunContext

if TYPE_CHECKING:
    from studio_action.model.artifact import Resolution
    from studio_action.run.download import Delivered

SourceName = Literal["auto", "studio", "git"]
Prerelease = Literal["include", "exclude", "only"]
Layout = Literal["repo", "model", "flat"]
Verify = Literal["auto", "require", "off"]

_LOGGER = logging.getLogger("studio_action")
_LOGGER.addHandler(logging.NullHandler())
_OF_JOBS = ("INPUT_", "STUDIO_ACTION_")


class Event(Protocol):
    """What a download is cancelled by, such as a `threading.Event`."""

    def is_set(self) -> bool:
        """Return whether to stop."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: bytes that came, bytes that are expected so far, files complete."""

    received: int
    expected: int
    files: int


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a model; `path` is relative to the repository, `size` in bytes.

    `digest` is what DVC knows it by, e.g. `md5:0cc1…`. What is not known is None.
    """

    path: str
    size: int | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a stage, a version or `latest` means now; what is not known is None.

    `previous_version` held the stage before. `digest` identifies the content. `warnings` are what
    the log warned of.
    """

    model: str
    repository: str
    source: Literal["studio", "git"]
    version: str | None
    stage: str | None
    tag: str | None
    revision: str | None
    previous_version: str | None
    digest: str | None
    files: tuple[RemoteFile, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file that was downloaded to `path`; `size` in bytes, `md5` and `sha256` in hexadecimal.

    `verified` says against what it was checked, as in the manifest: `md5`, …, `none`.
    """

    path: Path
    source_path: str
    size: int
    md5: str
    sha256: str
    verified: str


@dataclass(frozen=True, slots=True)
class Download:
    """A model that is in place: every file verified, or none there at all.

    `path` is the model's file or folder. `manifest` and `checksums` are its records. `transferred`
    counts the bytes that came over the network, in `seconds`.
    """

    model: str
    repository: str
    source: Literal["studio", "git"]
    version: str | None
    stage: str | None
    tag: str | None
    revision: str | None
    previous_version: str | None
    digest: str | None
    path: Path
    files: tuple[File, ...]
    size: int
    transferred: int
    seconds: float
    manifest: Path
    checksums: Path
    warnings: tuple[str, ...]


def resolve(
    model: str,
    *,
    stage: str | None = None,
    version: str | None = None,
    repo: str | os.PathLike[str] | None = None,
    source: SourceName = "auto",
    studio_url: str | None = None,
    token: str | None = None,
    git_token: str | None = None,
    prerelease: Prerelease = "include",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    timeout: float = 30,
    retries: int = 5,
    deadline: float | None = None,
    cancel: Event | None = None,
) -> Resolved:
    """Return what a model's stage or version is now; without both, its latest version.

    `repo` is an address or, with source `git`, a folder; default: the checkout in the current
    folder. `version` may be a range, e.g. `^1.2`. A token that is not given is read from
    DVC_STUDIO_TOKEN. `timeout` and `deadline` are in seconds.

    Raises `NoSuchModel`, `TokenRefused`, `Unreachable`, `PolicyRefused`, `BadInput` and the other
    subclasses of `StudioActionError`; `Cancelled` once `cancel` is set.

        >>> found = studio_action.resolve("churn", stage="prod", repo="https://github.com/acme/models")
        >>> found.version
        'v2.0.0'
    """
    options = _texts(
        model=model,
        stage=stage,
        version=version,
        repo=_place(repo),
        source=source,
        studio_url=studio_url,
        token=token,
        git_token=git_token,
        prerelease=prerelease,
        include=include,
        exclude=exclude,
        timeout=timeout,
        retries=retries,
        deadline=deadline,
    )
    context = _context(RESOLVE, options, Path.cwd(), cancel)
    task = context.config.task
    assert isinstance(task, ResolveTask)
    found, measured = commands.look_up(task, context)
    return Resolved(
        **_identity(found.resolution),
        digest=digest_text(found.digest) or None,
        files=tuple(
            RemoteFile(each.path, each.size, digest_text(each.digest) or None) for each in measured
        ),
        warnings=_warnings(context),
    )


def download(
    model: str,
    dest: str | os.PathLike[str],
    *,
    stage: str | None = None,
    version: str | None = None,
    repo: str | os.PathLike[str] | None = None,
    source: SourceName = "auto",
    studio_url: str | None = None,
    token: str | None = None,
    git_token: str | None = None,
    prerelease: Prerelease = "include",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    layout: Layout = "model",
    overwrite: bool = True,
    verify: Verify = "auto",
    connections: int = 16,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 30,
    retries: int = 5,
    deadline: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Event | None = None,
) -> Download:
    """Bring a model's files into the folder `dest`, which is made if it is missing.

    They appear together, each verified, or not at all; what came before a failure is kept in
    `dest/.studio-action` for the next call. `progress` is called in this thread as bytes come;
    what it raises ends the download. See `resolve` for the rest.

    Raises what `resolve` raises, and `ContentMismatch` for other bytes than DVC stored,
    `ObjectMissing` for a file that the storage has lost, `WorkspaceRefused` for what `dest` does
    not permit.

        >>> found = studio_action.download("churn", "model", stage="prod")
        >>> pickle.loads(found.path.read_bytes())
    """
    options = _texts(
        model=model,
        stage=stage,
        version=version,
        repo=_place(repo),
        source=source,
        studio_url=studio_url,
        token=token,
        git_token=git_token,
        prerelease=prerelease,
        include=include,
        exclude=exclude,
        layout=layout,
        overwrite=overwrite,
        verify=verify,
        connections=connections,
        cache_dir=Path(cache_dir) if cache_dir is not None else None,
        timeout=timeout,
        retries=retries,
        deadline=deadline,
    )
    folder = Path(dest).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    context = _context(DOWNLOAD, options, folder, cancel)
    task = context.config.task
    assert isinstance(task, DownloadTask)

    @contextmanager
    def show(_: RunContext) -> Iterator[_Reporter]:
        yield _Reporter(progress)

    return _downloaded(commands.deliver(task, context, show), folder, context)


def _downloaded(delivered: Delivered, folder: Path, context: RunContext) -> Download:
    done = delivered.download
    return Download(
        **_identity(done.resolution),
        digest=digest_text(done.digest) or None,
        path=folder / done.path,
        files=tuple(
            File(
                folder / each.path,
                each.source_path,
                each.size,
                each.md5,
                each.sha256,
                each.verified,
            )
            for each in done.files
        ),
        size=done.size,
        transferred=done.transferred,
        seconds=done.seconds,
        manifest=folder / delivered.records["manifest"],
        checksums=folder / delivered.records["checksums"],
        warnings=_warnings(context),
    )


class _Identity(TypedDict):
    model: str
    repository: str
    source: Literal["studio", "git"]
    version: str | None
    stage: str | None
    tag: str | None
    revision: str | None
    previous_version: str | None


def _identity(found: Resolution) -> _Identity:
    return {
        "model": str(found.artifact.model),
        "repository": found.artifact.repository,
        "source": found.source,
        "version": found.version or None,
        "stage": found.stage or None,
        "tag": found.tag or None,
        "revision": found.revision or None,
        "previous_version": found.previous_version or None,
    }


def _texts(**given: object) -> dict[str, str]:
    """Return the options as the inputs that they are, whose texts are judged in `RunConfig`."""
    texts = {}
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, bool):
            text = str(value).lower()
        elif isinstance(value, list | tuple):
            text = "\n".join(map(str, value))
        else:
            text = str(Path(value).absolute()) if isinstance(value, os.PathLike) else str(value)
        texts[name.replace("_", "-")] = text
    return texts


def _place(repo: str | os.PathLike[str] | None) -> object:
    """Return the path of a folder, relative to the current one, or the address as it is."""
    return Path(repo) if repo is not None and Path(repo).is_dir() else repo


def _context(
    command: str, options: Mapping[str, str], workspace: Path, cancel: Event | None
) -> RunContext:
    """Return one run, of which only what is no input of a job comes from the environment."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith(_OF_JOBS)}
    job = Job(NO_SYSTEM, workspace, repository=origin(Path.cwd(), environ))
    config = RunConfig.from_inputs(command, Inputs(options, environ), job)
    if cancel is not None:
        deadline = _CancellableDeadline(config.limits.deadline.seconds, cancelled=cancel.is_set)
        config = replace(config, limits=replace(config.limits, deadline=deadline))
    return RunContext(config, _Log(job))


@dataclass(frozen=True, slots=True)
class _CancellableDeadline(Deadline):
    """A deadline that also passes once somebody wants that."""

    cancelled: Callable[[], bool] = bool

    def remaining(self) -> float:
        return 0.0 if self.cancelled() else Deadline.remaining(self)

    def check(self) -> None:
        if self.cancelled():
            raise Cancelled("the download was cancelled")
        Deadline.check(self)


class _Log(Console):
    """Writes to the logger `studio_action`, and keeps the warnings."""

    name = "Python"

    def __init__(self, job: Job) -> None:
        super().__init__(StringIO(), job)
        self.warnings: list[str] = []

    def debug(self, text: str) -> None:
        _LOGGER.debug("%s", self._safe(text))

    def info(self, text: str) -> None:
        _LOGGER.info("%s", self._safe(text))

    def warning(self, text: str) -> None:
        self.warnings.append(self._safe(text))
        _LOGGER.warning("%s", self.warnings[-1])

    def error(self, text: str) -> None:
        _LOGGER.error("%s", self._safe(text))

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        """Do nothing: there is no later step."""


def _warnings(context: RunContext) -> tuple[str, ...]:
    assert isinstance(context.platform, _Log)
    return tuple(context.platform.warnings)


class _Reporter:
    """Calls back with what `download.base.Progress` hears."""

    def __init__(self, call: Callable[[Progress], None] | None) -> None:
        self._call = call
        self._received = self._expected = self._files = 0

    def expect(self, size: int) -> None:
        self._expected += size

    def advance(self, size: int) -> None:
        self._received += size
        self._report()

    def finish(self) -> None:
        self._files += 1
        self._report()

    def stall(self, slowest: Sequence[str]) -> None:
        _LOGGER.info("no data for a while: %s", "; ".join(slowest))

    def _report(self) -> None:
        if self._call is not None:
            self._call(Progress(self._received, self._expected, self._files))
