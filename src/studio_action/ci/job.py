"""The facts of the CI job this runs in, read from its environment. Pure.

The variables are each system's own; a system that is not known is `generic` and has no facts but
those of a plain container.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio_action.text import redact

System = Literal["github", "gitlab", "azure", "bitbucket", "circleci", "generic"]

PUBLIC_SERVER = "https://github.com"


@dataclass(frozen=True, slots=True)
class Job:
    """What is known about the job. Empty text and None: the system does not say.

    `repository` is the URL of the job's own repository and `server` the base URL of its Git
    host, neither with user info; `tag` is the tag that triggered the run and `revision` the commit
    it runs on. `output_file` and `summary_file` are the system's own files for outputs and for the
    summary page. `is_pull_request` matters because forks get no secrets.
    """

    system: System
    workspace: Path
    repository: str = ""
    server: str = PUBLIC_SERVER
    tag: str = ""
    revision: str = ""
    output_file: Path | None = None
    summary_file: Path | None = None
    debug: bool = False
    is_pull_request: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], cwd: Path) -> Job:
        """The job that `environ` describes; `cwd` is its workspace where nothing else is said."""
        names = next((each for each in _SYSTEMS if environ.get(each.sign)), _GENERIC)

        def path(variable: str) -> Path | None:
            return Path(environ[variable]) if environ.get(variable) else None

        return cls(
            names.system,
            path(names.workspace) or cwd,
            repository=_repository(names, environ),
            server=redact(environ.get(names.server, "")).rstrip("/") or names.usual_server,
            tag=_tag(names, environ),
            revision=environ.get(names.revision, ""),
            output_file=path(names.output_file),
            summary_file=path(names.summary_file),
            debug=any(environ.get(each, "").lower() in ("1", "true") for each in _DEBUG),
            is_pull_request=_is_pull_request(names, environ),
        )


@dataclass(frozen=True, slots=True)
class _Names:
    """What one system calls its facts; `sign` is set on that system and on no other."""

    system: System
    sign: str = ""
    workspace: str = ""
    repository: str = ""
    server: str = ""
    usual_server: str = PUBLIC_SERVER
    tag: str = ""
    ref: str = ""
    revision: str = ""
    output_file: str = ""
    summary_file: str = ""
    pull_request: str = ""


_DEBUG = ("RUNNER_DEBUG", "CI_DEBUG_TRACE", "SYSTEM_DEBUG")

_SYSTEMS = (
    # https://docs.github.com/en/actions/reference/variables-reference
    _Names(
        "github",
        "GITHUB_ACTIONS",
        workspace="GITHUB_WORKSPACE",
        repository="GITHUB_REPOSITORY",
        server="GITHUB_SERVER_URL",
        ref="GITHUB_REF",
        revision="GITHUB_SHA",
        output_file="GITHUB_OUTPUT",
        summary_file="GITHUB_STEP_SUMMARY",
        pull_request="GITHUB_EVENT_NAME",
    ),
    # https://docs.gitlab.com/ci/variables/predefined_variables/
    _Names(
        "gitlab",
        "GITLAB_CI",
        workspace="CI_PROJECT_DIR",
        repository="CI_PROJECT_URL",
        server="CI_SERVER_URL",
        usual_server="https://gitlab.com",
        tag="CI_COMMIT_TAG",
        revision="CI_COMMIT_SHA",
        pull_request="CI_MERGE_REQUEST_IID",
    ),
    # https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
    _Names(
        "azure",
        "TF_BUILD",
        workspace="BUILD_SOURCESDIRECTORY",
        repository="BUILD_REPOSITORY_URI",
        ref="BUILD_SOURCEBRANCH",
        revision="BUILD_SOURCEVERSION",
        pull_request="SYSTEM_PULLREQUEST_PULLREQUESTID",
    ),
    # https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
    _Names(
        "bitbucket",
        "BITBUCKET_BUILD_NUMBER",
        workspace="BITBUCKET_CLONE_DIR",
        repository="BITBUCKET_GIT_HTTP_ORIGIN",
        usual_server="https://bitbucket.org",
        tag="BITBUCKET_TAG",
        revision="BITBUCKET_COMMIT",
        output_file="BITBUCKET_PIPELINES_VARIABLES_PATH",
        pull_request="BITBUCKET_PR_ID",
    ),
    # https://circleci.com/docs/reference/variables/
    _Names(
        "circleci",
        "CIRCLECI",
        tag="CIRCLE_TAG",
        revision="CIRCLE_SHA1",
        output_file="BASH_ENV",
        pull_request="CIRCLE_PULL_REQUEST",
    ),
)

_GENERIC = _Names("generic")


def _repository(names: _Names, environ: Mapping[str, str]) -> str:
    """The URL of the job's repository; in a plain container, any system's that was handed in."""
    candidates = (names,) if names is not _GENERIC else _SYSTEMS
    return next((url for each in candidates if (url := _url(each, environ))), "")


def _url(names: _Names, environ: Mapping[str, str]) -> str:
    value = environ.get(names.repository, "")
    if not value:
        return ""
    if names.system == "github":
        value = f"{environ.get(names.server) or PUBLIC_SERVER}/{value}"
    if names.system == "bitbucket":  # says http:// of a host that is https only
        value = value.replace("http://", "https://", 1)
    return redact(value)


def _tag(names: _Names, environ: Mapping[str, str]) -> str:
    prefix, ref = "refs/tags/", environ.get(names.ref, "")
    return ref[len(prefix) :] if ref.startswith(prefix) else environ.get(names.tag, "")


def _is_pull_request(names: _Names, environ: Mapping[str, str]) -> bool:
    value = environ.get(names.pull_request, "")
    return value.startswith("pull_request") if names.system == "github" else bool(value)
