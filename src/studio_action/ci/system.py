"""What a CI system says of itself in its own module: how a job of it is recognised and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from studio_action.ci.base import Platform
from studio_action.ci.id_token import IdTokenSource
from studio_action.ci.job import PUBLIC_SERVER, Job
from studio_action.text import redact


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """The names of the environment variables with a job's facts; '' where there is none.

    `ref` is a whole Git ref, such as `refs/tags/v1`; `pull_request` is set for pull requests.
    """

    workspace: str = ""
    repository: str = ""
    server: str = ""
    tag: str = ""
    ref: str = ""
    revision: str = ""
    output_file: str = ""
    summary_file: str = ""
    pull_request: str = ""
    debug: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One CI system.

    `sign` is a variable that is set in its jobs and in no other system's. `platform` makes what
    writes for a job, to a stream. Of several systems that match, the one with the highest
    `priority` counts. `repository_url` makes a URL of the value of `variables.repository`;
    `tells_pull_request` reads the value of `variables.pull_request`. `job_url` returns the page of
    a job, without secrets, '' where that is not known. `no_token` says what to do
    where a job has no token. `id_token` returns where a job has ID tokens from, None if it has
    none; `no_id_token` says what to do then.
    """

    name: str
    sign: str
    variables: Variables
    platform: Callable[[TextIO, Job], Platform]
    priority: int = 0
    usual_server: str = PUBLIC_SERVER
    repository_url: Callable[[str, Mapping[str, str]], str] = lambda value, environ: value
    tells_pull_request: Callable[[str], bool] = bool
    job_url: Callable[[Mapping[str, str]], str] = lambda environ: ""
    no_token: str = ""
    id_token: Callable[[Mapping[str, str]], IdTokenSource | None] = lambda environ: None
    no_id_token: str = ""

    def matches(self, environ: Mapping[str, str]) -> bool:
        """Return whether `environ` is that of a job of this system."""
        return bool(environ.get(self.sign))

    def repository(self, environ: Mapping[str, str]) -> str:
        """Return the URL of the job's repository, without user info; '' where it is not known."""
        value = environ.get(self.variables.repository, "")
        return redact(self.repository_url(value, environ)) if value else ""

    def is_debug(self, environ: Mapping[str, str]) -> bool:
        """Return whether debug logging is on."""
        return environ.get(self.variables.debug, "").lower() in ("1", "true")

    def job(self, environ: Mapping[str, str], cwd: Path) -> Job:
        """Return the facts of the job; `cwd` is its workspace where `environ` names none."""
        names = self.variables
        return Job(
            self.name,
            _path(environ, names.workspace) or cwd,
            repository=self.repository(environ),
            server=redact(environ.get(names.server, "")).rstrip("/") or self.usual_server,
            tag=self._tag(environ),
            revision=environ.get(names.revision, ""),
            output_file=_path(environ, names.output_file),
            summary_file=_path(environ, names.summary_file),
            is_pull_request=self.tells_pull_request(environ.get(names.pull_request, "")),
            url=self.job_url(environ),
        )

    def _tag(self, environ: Mapping[str, str]) -> str:
        prefix, ref = "refs/tags/", environ.get(self.variables.ref, "")
        if ref.startswith(prefix):
            return ref.removeprefix(prefix)
        return environ.get(self.variables.tag, "")


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    return Path(environ[variable]) if environ.get(variable) else None
