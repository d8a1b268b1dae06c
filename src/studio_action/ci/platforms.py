"""Which CI system's writer a job gets."""

from __future__ import annotations

from io import TextIOWrapper
from typing import TextIO

from studio_action.ci.azure import Azure
from studio_action.ci.base import Platform
from studio_action.ci.bitbucket import Bitbucket
from studio_action.ci.circleci import CircleCI
from studio_action.ci.generic import Generic
from studio_action.ci.github import GitHub
from studio_action.ci.gitlab import GitLab
from studio_action.ci.job import Job


def platform_for(job: Job, *, stdout: TextIO, stderr: TextIO) -> Platform:
    """The writer for `job`: one log on `stdout`, but for `generic`, whose log is on `stderr`.

    No character makes a stream fail: what its encoding lacks is written as an escape.
    """
    for stream in (stdout, stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    match job.system:
        case "github":
            return GitHub(stdout, job)
        case "gitlab":
            return GitLab(stdout, job)
        case "azure":
            return Azure(stdout, job)
        case "bitbucket":
            return Bitbucket(stdout, job)
        case "circleci":
            return CircleCI(stdout, job)
        case "generic":
            return Generic(stderr, job, stdout)
