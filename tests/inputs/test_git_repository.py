from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.ci.job import Job
from studio_action.inputs.git_repository import read_git_access
from studio_action.inputs.lookup import Inputs
from studio_action.model.repository_url import RepositoryUrl

GITHUB = Job("github", Path("/w"), server="https://github.com")
GITLAB = Job("gitlab", Path("/w"), server="https://gitlab.example.org")
OURS, THEIRS = "https://github.com/acme/models", "https://gitlab.example.org/acme/models"


@pytest.mark.parametrize(
    ("variable", "token", "job", "repository", "user"),
    [
        pytest.param("INPUT_GIT-TOKEN", "pat_x", GITHUB, OURS, "x-access-token", id="given"),
        pytest.param("INPUT_GIT-TOKEN", "pat_x", GITHUB, THEIRS, "oauth2", id="for another host"),
        pytest.param("INPUT_GIT-TOKEN", "ghs_x", GITHUB, OURS, "x-access-token", id="the job's"),
        pytest.param("INPUT_GIT-TOKEN", "ghs_x", GITHUB, THEIRS, None, id="not for another host"),
        pytest.param("GITHUB_TOKEN", "t0ken", GITHUB, THEIRS, None, id="nor from the environment"),
        pytest.param("CI_JOB_TOKEN", "t0ken", GITLAB, THEIRS, "gitlab-ci-token", id="GitLab's job"),
        pytest.param("CI_JOB_TOKEN", "t0ken", GITLAB, OURS, None, id="GitLab's for another host"),
    ],
)
def test_credential(variable: str, token: str, job: Job, repository: str, user: str | None) -> None:
    address = RepositoryUrl.parse(repository)
    access = read_git_access(Inputs({}, {variable: token}), job)
    found = access.credential(address)
    assert (found.user if found else None) == user
    assert token not in repr((access, found))
