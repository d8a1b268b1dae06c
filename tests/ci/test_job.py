from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.ci.job import Job
from studio_action.ci.platforms import detect_job

HERE = Path("/somewhere")

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.example.org",
    "GITHUB_REPOSITORY": "acme/churn",
    "GITHUB_WORKSPACE": "/github/workspace",
    "GITHUB_REF": "refs/tags/churn#prod#3",
    "GITHUB_SHA": "c0ffee",
    "GITHUB_OUTPUT": "/github/file_commands/set_output",
    "GITHUB_STEP_SUMMARY": "/github/file_commands/step_summary",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_RUN_ID": "17",
    "GITHUB_RUN_ATTEMPT": "2",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.example.org/git/acme/ml/churn",
    "CI_SERVER_URL": "https://gitlab.example.org/git",
    "CI_PROJECT_DIR": "/builds/acme/ml/churn",
    "CI_COMMIT_TAG": "churn@v1.2.0",
    "CI_COMMIT_SHA": "c0ffee",
    "CI_JOB_URL": "https://gitlab.example.org/git/acme/ml/churn/-/jobs/17",
}
AZURE = {
    "TF_BUILD": "True",
    "BUILD_REPOSITORY_URI": "https://acme@dev.azure.com/acme/ml/_git/churn",
    "BUILD_SOURCESDIRECTORY": "/agent/_work/1/s",
    "BUILD_SOURCEBRANCH": "refs/tags/churn@v1.2.0",
    "BUILD_SOURCEVERSION": "c0ffee",
    "BUILD_BUILDID": "17",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECT": "m l",
}
BITBUCKET = {
    "BITBUCKET_BUILD_NUMBER": "7",
    "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/acme/churn",
    "BITBUCKET_CLONE_DIR": "/opt/atlassian/pipelines/agent/build",
    "BITBUCKET_TAG": "churn@v1.2.0",
    "BITBUCKET_COMMIT": "c0ffee",
    "BITBUCKET_PIPELINES_VARIABLES_PATH": "/opt/variables",
}
CIRCLECI = {
    "CIRCLECI": "true",
    "CIRCLE_TAG": "churn@v1.2.0",
    "CIRCLE_SHA1": "c0ffee",
    "BASH_ENV": "/tmp/.bash_env",
    "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/churn/17",
}

JOBS = {
    "github": (
        GITHUB,
        Job(
            "github",
            Path("/github/workspace"),
            repository="https://github.example.org/acme/churn",
            server="https://github.example.org",
            tag="churn#prod#3",
            revision="c0ffee",
            output_file=Path("/github/file_commands/set_output"),
            summary_file=Path("/github/file_commands/step_summary"),
            url="https://github.example.org/acme/churn/actions/runs/17/attempts/2",
        ),
    ),
    "gitlab": (
        GITLAB,
        Job(
            "gitlab",
            Path("/builds/acme/ml/churn"),
            repository="https://gitlab.example.org/git/acme/ml/churn",
            server="https://gitlab.example.org/git",
            tag="churn@v1.2.0",
            revision="c0ffee",
            url="https://gitlab.example.org/git/acme/ml/churn/-/jobs/17",
        ),
    ),
    "azure": (
        AZURE,
        Job(
            "azure",
            Path("/agent/_work/1/s"),
            repository="https://dev.azure.com/acme/ml/_git/churn",
            tag="churn@v1.2.0",
            revision="c0ffee",
            url="https://dev.azure.com/acme/m%20l/_build/results?buildId=17",
        ),
    ),
    "bitbucket": (
        BITBUCKET,
        Job(
            "bitbucket",
            Path("/opt/atlassian/pipelines/agent/build"),
            repository="https://bitbucket.org/acme/churn",
            server="https://bitbucket.org",
            tag="churn@v1.2.0",
            revision="c0ffee",
            output_file=Path("/opt/variables"),
            url="https://bitbucket.org/acme/churn/pipelines/results/7",
        ),
    ),
    "circleci": (
        CIRCLECI,
        Job(
            "circleci",
            HERE,
            tag="churn@v1.2.0",
            revision="c0ffee",
            output_file=Path("/tmp/.bash_env"),
            url="https://circleci.com/gh/acme/churn/17",
        ),
    ),
    "nothing known": ({}, Job("generic", HERE)),
    "an empty sign": ({"GITHUB_ACTIONS": "", "GITHUB_SHA": "c0ffee"}, Job("generic", HERE)),
}


@pytest.mark.parametrize(("environ", "job"), JOBS.values(), ids=JOBS)
def test_detect_job(environ: dict[str, str], job: Job) -> None:
    assert detect_job(environ, HERE) == job


def test_detect_job__branch_is_no_tag() -> None:
    job = detect_job(GITHUB | {"GITHUB_REF": "refs/heads/main"}, HERE)

    assert job.tag == ""


def test_detect_job__another_systems_variables_are_not_this_jobs() -> None:
    job = detect_job(CIRCLECI | {"GITHUB_REPOSITORY": "acme/mirror"}, HERE)

    assert job.repository == ""


def test_detect_job__plain_container_that_was_handed_a_repository() -> None:
    handed_in = {"CI_PROJECT_URL": "https://u:p@gitlab.com/acme/churn", "CI_PROJECT_DIR": "/builds"}

    job = detect_job(handed_in, HERE)

    assert job == Job("generic", HERE, repository="https://gitlab.com/acme/churn")


@pytest.mark.parametrize(
    ("environ", "debug"),
    [
        ({"RUNNER_DEBUG": "1"}, True),
        ({"CI_DEBUG_TRACE": "true"}, True),
        ({"SYSTEM_DEBUG": "True"}, True),
        ({"SYSTEM_DEBUG": "False"}, False),
        ({}, False),
    ],
    ids=["github", "gitlab", "azure", "azure, off", "nothing"],
)
def test_detect_job__debug(environ: dict[str, str], debug: bool) -> None:
    assert detect_job(environ, HERE).debug is debug


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (GITHUB | {"GITHUB_EVENT_NAME": "pull_request"}, True),
        (GITHUB, False),
        (GITLAB | {"CI_MERGE_REQUEST_IID": "12"}, True),
        (GITLAB, False),
        (AZURE | {"SYSTEM_PULLREQUEST_PULLREQUESTID": "12"}, True),
        (BITBUCKET | {"BITBUCKET_PR_ID": "12"}, True),
        (CIRCLECI | {"CIRCLE_PULL_REQUEST": "https://github.com/acme/churn/pull/12"}, True),
        ({}, False),
    ],
    ids=[
        "github",
        "github push",
        "gitlab",
        "gitlab push",
        "azure",
        "bitbucket",
        "circleci",
        "generic",
    ],
)
def test_detect_job__pull_request(environ: dict[str, str], expected: bool) -> None:
    assert detect_job(environ, HERE).is_pull_request is expected
