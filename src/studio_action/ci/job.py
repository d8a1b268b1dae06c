"""The facts of the CI job that this runs in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PUBLIC_SERVER = "https://github.com"
NO_SYSTEM = "generic"
"""The name of the system for a plain container or a terminal."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is known about the job. Empty text and None: the system does not say.

    `system` is the name of a CI system, or `NO_SYSTEM`. `repository` is the URL of the job's own
    repository and `server` the base URL of its Git host, neither with user info; `tag` is the tag
    that triggered the run and `revision` the commit it runs on. `output_file` and `summary_file`
    are the system's own files for outputs and for the summary page. `is_pull_request` matters
    because forks get no secrets. `url` is that of the job's own page, for people.
    """

    system: str
    workspace: Path
    repository: str = ""
    server: str = PUBLIC_SERVER
    tag: str = ""
    revision: str = ""
    output_file: Path | None = None
    summary_file: Path | None = None
    debug: bool = False
    is_pull_request: bool = False
    url: str = ""
    quiet: bool = False
    """Whether only warnings and errors are wanted."""
