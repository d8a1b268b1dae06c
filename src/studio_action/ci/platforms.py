"""Which CI system's writer a job gets."""

from __future__ import annotations

from io import TextIOWrapper
from typing import TextIO

from studio_action.ci.base import Platform
from studio_action.ci.job import Job


def platform_for(job: Job, *, stdout: TextIO, stderr: TextIO) -> Platform:
    """The writer for `job`: one log on `stdout`, but for `generic`, whose log is on `stderr`.

    No character makes a stream fail: what its encoding lacks is written as an escape. Only the
    writer that is needed is imported.
    """
    for stream in (stdout, stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    match job.system:
        case "github":
            from studio_action.ci.github import GitHub

            return GitHub(stdout, job)
        case "gitlab":
            from studio_action.ci.gitlab import GitLab

            return GitLab(stdout, job)
        case "azure":
            from studio_action.ci.azure import Azure

            return Azure(stdout, job)
        case "bitbucket":
            from studio_action.ci.bitbucket import Bitbucket

            return Bitbucket(stdout, job)
        case "circleci":
            from studio_action.ci.circleci import CircleCI

            return CircleCI(stdout, job)
        case "generic":
            from studio_action.ci.generic import Generic

            return Generic(stderr, job, stdout)
