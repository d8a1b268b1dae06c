"""Azure Pipelines: its logging commands.

https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO
from urllib.parse import quote

from studio_action.ci import dotenv
from studio_action.ci.console import Console
from studio_action.ci.job import Job
from studio_action.ci.system import System, Variables
from studio_action.errors import WorkspaceRefused
from studio_action.text import redact
from studio_action.workspace.workspace import Workspace


class Azure(Console):
    """Writes for a step of Azure Pipelines."""

    name = "Azure Pipelines"

    def __init__(
        self, stream: TextIO, job: Job, fresh: Callable[[], str] = lambda: secrets.token_hex(4)
    ) -> None:
        super().__init__(stream, job)
        self._fresh = fresh

    def debug(self, text: str) -> None:
        if self._job.debug:
            self._write(f"##[debug]{self._safe(text)}")

    def warning(self, text: str) -> None:
        self._write(f"##vso[task.logissue type=warning]{escape_data(self._safe(text))}")

    def error(self, text: str) -> None:
        self._write(f"##vso[task.logissue type=error]{escape_data(self._safe(text))}")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        if self._job.quiet:
            yield
            return
        self._write(f"##[group]{self._safe(title)}")
        try:
            yield
        finally:
            self._write("##[endgroup]")

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        """Set each variable twice: for later steps of this job, and for later jobs."""
        for name, value in dotenv.variables(self._hidden(outputs), prefix).items():
            data = escape_data(value)
            self._write(f"##vso[task.setvariable variable={name}]{data}")
            self._write(f"##vso[task.setvariable variable={name};isOutput=true]{data}")

    def summarize(self, markdown: str) -> None:
        try:
            workspace = Workspace.at(self._job.workspace)
            page = workspace.state() / f"summary-{self._fresh()}.md"
            workspace.write(page, self.hide(markdown))
        except WorkspaceRefused as error:
            self.warning(f"there is no summary: {error}")
            return
        self._write(f"##vso[task.uploadsummary]{escape_data(str(page))}")


def escape_data(text: str) -> str:
    """Return `text` as it is written after a command's `]`."""
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


# https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
def job_url(environ: Mapping[str, str]) -> str:
    """Return the page of the build that the job is of."""
    build = environ.get("BUILD_BUILDID", "")
    if not build.isdecimal():
        return ""
    collection = redact(environ.get("SYSTEM_COLLECTIONURI", "")).rstrip("/")
    project = quote(environ.get("SYSTEM_TEAMPROJECT", ""), safe="")
    return f"{collection}/{project}/_build/results?buildId={build}"


SYSTEM = System(
    name="azure",
    sign="TF_BUILD",
    platform=Azure,
    priority=3,
    variables=Variables(
        workspace="BUILD_SOURCESDIRECTORY",
        repository="BUILD_REPOSITORY_URI",
        ref="BUILD_SOURCEBRANCH",
        revision="BUILD_SOURCEVERSION",
        pull_request="SYSTEM_PULLREQUEST_PULLREQUESTID",
        debug="SYSTEM_DEBUG",
    ),
    job_url=job_url,
    # There is SYSTEM_OIDCREQUESTURI, but its ID tokens all have the aud api://AzureADTokenExchange:
    # a server that took them could pose as the job to Azure itself.
    no_id_token="Azure Pipelines makes ID tokens for Azure alone",
)
