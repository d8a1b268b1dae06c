"""Which Git repository the inputs name, and which token gives access to it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from studio_action.ci.job import Job
from studio_action.errors import BadInput
from studio_action.gitrepo.git.credential import Credential
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.model.repository_url import RepositoryUrl

Origin = Callable[[], str]
"""Returns the URL of the remote `origin` of the checkout in the workspace; '' if there is none."""

RepositoryLocation = RepositoryUrl | Path
"""Where a repository is: at an address, or in a folder of this machine."""


@dataclass(frozen=True, slots=True)
class GitAccess:
    """The access to Git repositories: a token, and the job's own server.

    `user` goes before the token, where its kind needs a user name of its own. A job's own token
    (`is_job_token`), which GitHub gives to every step by default, is for the job's server alone.
    """

    server: str
    token: str = field(default="", repr=False)
    user: str = ""
    is_job_token: bool = False

    def credential(self, address: RepositoryUrl) -> Credential | None:
        """Return the credential for the server of `address`; None if the token is not for it."""
        parts = urlsplit(address.fetch_url(self.server))
        if not self.token or (self.is_job_token and urlsplit(self.server).netloc != parts.netloc):
            return None
        user = f"{self.user}:" if self.user else ""
        return Credential(f"{parts.scheme}://{parts.netloc}", user + self.token)


def read_git_access(inputs: Inputs, job: Job) -> GitAccess:
    """Read input `git-token`."""
    given = inputs["git-token"]
    is_job_token = given.origin in ("GITHUB_TOKEN", "CI_JOB_TOKEN") or given.text.startswith("ghs_")
    user = "gitlab-ci-token" if given.origin == "CI_JOB_TOKEN" else ""
    return GitAccess(job.server, given.text, user, is_job_token)


def read_location(inputs: Inputs, job: Job, origin: Origin) -> RepositoryLocation:
    """Read input `repo`, which may also be a folder of this machine."""
    return _folder(inputs["repo"], job) or read_repository(inputs, job, origin)


def read_repository(inputs: Inputs, job: Job, origin: Origin) -> RepositoryUrl:
    """Read input `repo`; else take this job's repository, else where the checkout came from."""
    given = inputs["repo"].text or job.repository or origin()
    if not given:
        raise BadInput(
            "input repo is missing, and neither the job nor a checkout names the repository",
            "Give repo, e.g. owner/name or https://gitlab.example.org/group/name.git",
        )
    return RepositoryUrl.parse(given)


def _folder(repo: Value, job: Job) -> Path | None:
    """Return the folder that `repo` names; None where it is no path."""
    text = repo.text if sys.platform != "win32" else repo.text.replace("\\", "/")
    drive = sys.platform == "win32" and re.match("[A-Za-z]:/", text)
    if drive or text.startswith(("/", "./", "../", "~/")) or text in (".", "..", "~"):
        return (job.workspace / (parsers.path(repo) or "")).resolve()
    return None
