"""Bitbucket Pipelines: outputs are lines of a file, named under the step's `output-variables`.

https://support.atlassian.com/bitbucket-cloud/docs/step-options/#Output-variables
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from studio_action.ci import dotenv, id_token
from studio_action.ci.console import Console
from studio_action.ci.system import System, Variables
from studio_action.text import redact


class Bitbucket(Console):
    """Writes for a step of Bitbucket Pipelines."""

    name = "Bitbucket Pipelines"
    in_colour = True

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        named = dotenv.variables(self._hidden(outputs), prefix)
        self._append_outputs(
            dotenv.render({name: v for name, v in named.items() if dotenv.can_carry(v)})
        )


# https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
def https_url(value: str, environ: Mapping[str, str]) -> str:
    """Return the repository's URL: the variable has http://, though the host is https only."""
    return value.replace("http://", "https://", 1)


def job_url(environ: Mapping[str, str]) -> str:
    """Return the page of the pipeline that the step is of."""
    repository = redact(https_url(environ.get("BITBUCKET_GIT_HTTP_ORIGIN", ""), environ))
    number = environ.get("BITBUCKET_BUILD_NUMBER", "")
    return f"{repository}/pipelines/results/{number}" if repository else ""


SYSTEM = System(
    name="bitbucket",
    sign="BITBUCKET_BUILD_NUMBER",
    platform=Bitbucket,
    priority=2,
    usual_server="https://bitbucket.org",
    variables=Variables(
        workspace="BITBUCKET_CLONE_DIR",
        repository="BITBUCKET_GIT_HTTP_ORIGIN",
        tag="BITBUCKET_TAG",
        revision="BITBUCKET_COMMIT",
        output_file="BITBUCKET_PIPELINES_VARIABLES_PATH",
        pull_request="BITBUCKET_PR_ID",
    ),
    repository_url=https_url,
    job_url=job_url,
    # https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
    id_token=partial(id_token.of_variable, "BITBUCKET_STEP_OIDC_TOKEN"),
    no_id_token="Give the step `oidc: audiences:` and the server's URL, if it trusts this"
    " workspace",
)
