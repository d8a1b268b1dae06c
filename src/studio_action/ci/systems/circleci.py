"""CircleCI: outputs are a shell script that later steps of the job run first.

https://circleci.com/docs/guides/security/env-vars/#parameters-and-bash-environment
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import partial

from studio_action.ci import dotenv, id_token
from studio_action.ci.console import Console
from studio_action.ci.system import System, Variables
from studio_action.text import redact


class CircleCI(Console):
    """Writes for a step of CircleCI."""

    name = "CircleCI"
    in_colour = True

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        named = dotenv.variables(self._hidden(outputs), prefix)
        self._append_outputs(
            "".join(
                f"export {name}={shlex.quote(value)}\n"
                for name, value in named.items()
                if "\0" not in value
            )
        )


# https://circleci.com/docs/reference/variables/
SYSTEM = System(
    name="circleci",
    sign="CIRCLECI",
    platform=CircleCI,
    priority=1,
    variables=Variables(
        tag="CIRCLE_TAG",
        revision="CIRCLE_SHA1",
        output_file="BASH_ENV",
        pull_request="CIRCLE_PULL_REQUEST",
    ),
    job_url=lambda environ: redact(environ.get("CIRCLE_BUILD_URL", "")),
    # https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
    id_token=partial(id_token.of_variable, "CIRCLE_OIDC_TOKEN_V2"),
    no_id_token="Set STUDIO_ID_TOKEN to what `circleci run oidc get --claims` makes for the"
    " server's URL as aud, if it trusts this organization",
)
