"""GitLab CI: folded sections, and reports that the job hands in as artifacts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from studio_action.ci import dotenv
from studio_action.ci.console import Console
from studio_action.ci.job import Job
from studio_action.ci.system import System, Variables
from studio_action.errors import WorkspaceRefused
from studio_action.model.paths import STATE_FOLDER
from studio_action.net import bounded_json
from studio_action.text import redact
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import Workspace

DOTENV_REPORT = "outputs.env"
ANNOTATIONS_REPORT = "annotations.json"
"""Both in our own folder of the workspace; the job names them under `artifacts:reports`."""

_LARGEST_REPORT = 8 << 20
_CLEAR = "\x1b[0K"


class GitLab(Console):
    """Writes for a job of GitLab CI; `now` is the time of day, in seconds since 1970."""

    name = "GitLab CI"
    in_colour = True

    def __init__(self, stream: TextIO, job: Job, now: Callable[[], float] = time.time) -> None:
        super().__init__(stream, job)
        self._now = now

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Write a section (https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections)."""
        if self._job.quiet:
            yield
            return
        shown = self._safe(title)
        section = re.sub(r"[^a-z0-9]+", "_", shown.lower()).strip("_")[:60] or "section"
        start, options = f"section_start:{self._now():.0f}:{section}", "[collapsed=true]"
        self._write(f"{_CLEAR}{start}{options}\r{_CLEAR}{shown}")
        try:
            yield
        finally:
            self._write(f"{_CLEAR}section_end:{self._now():.0f}:{section}\r{_CLEAR}")

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        """Add the outputs to the dotenv report; what it cannot carry, the manifest has."""
        new = dotenv.variables(self._hidden(outputs), prefix)
        earlier = dotenv.parse(self._read(DOTENV_REPORT))
        wanted = {name: value for name, value in earlier.items() if name not in new}
        wanted |= {name: value for name, value in new.items() if dotenv.can_carry(value)}
        kept = dotenv.fitting(wanted)
        for name in new:
            if name not in wanted:
                self.debug(f"{name} is left out of the dotenv report, which cannot hold its value")
            elif name not in kept:
                self.warning(f"{name} is left out: the dotenv report is full. Read the manifest")
        self._report(DOTENV_REPORT, dotenv.render(kept))

    def link(self, label: str, url: str) -> None:
        """Write a line and, on the job's page, a link
        (https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsannotations).
        """
        super().link(label, url)
        if not url.startswith(("https://", "http://")):
            return
        found = {"external_link": {"label": self._safe(label), "url": self._safe(redact(url))}}
        links = [each for each in self._links() if each != found]
        try:
            self._report(ANNOTATIONS_REPORT, json.dumps({"studio-action": [*links, found]}))
        except WorkspaceRefused as error:
            self.warning(f"the job's page gets no link: {error}")

    def _links(self) -> list[object]:
        try:
            links = bounded_json.read(self._read(ANNOTATIONS_REPORT).encode())["studio-action"]
        except (ValueError, KeyError, TypeError):
            return []
        return links if isinstance(links, list) else []

    def _read(self, report: str) -> str:
        """Return the report of an earlier step of this job; '' if there is none."""
        path = Path(self._job.workspace, STATE_FOLDER, report)
        try:
            return regular_files.read(path, _LARGEST_REPORT).decode()
        except (OSError, UnicodeDecodeError):
            return ""

    def _report(self, report: str, text: str) -> None:
        workspace = Workspace.at(self._job.workspace)
        workspace.write(workspace.state() / report, text)


# https://docs.gitlab.com/ci/variables/predefined_variables/
SYSTEM = System(
    name="gitlab",
    sign="GITLAB_CI",
    platform=GitLab,
    priority=4,
    usual_server="https://gitlab.com",
    variables=Variables(
        workspace="CI_PROJECT_DIR",
        repository="CI_PROJECT_URL",
        server="CI_SERVER_URL",
        tag="CI_COMMIT_TAG",
        revision="CI_COMMIT_SHA",
        pull_request="CI_MERGE_REQUEST_IID",
        debug="CI_DEBUG_TRACE",
    ),
    job_url=lambda environ: redact(environ.get("CI_JOB_URL", "")),
    no_token="Add a masked CI/CD variable DVC_STUDIO_TOKEN; a protected one reaches only protected"
    " branches and tags",
    no_id_token="Give the job `id_tokens: STUDIO_ID_TOKEN: aud:` and the server's URL, if it trusts"
    " this GitLab",
)
