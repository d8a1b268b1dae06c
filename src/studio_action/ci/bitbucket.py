"""Bitbucket Pipelines: outputs are lines of a file, named under the step's `output-variables`.

https://support.atlassian.com/bitbucket-cloud/docs/step-options/#Output-variables
"""

from __future__ import annotations

from collections.abc import Mapping

from studio_action.ci import dotenv
from studio_action.ci.console import Console


class Bitbucket(Console):
    """Writes for a step of Bitbucket Pipelines."""

    name = "Bitbucket Pipelines"
    in_colour = True

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        named = dotenv.variables(self._hidden(outputs), prefix)
        self._append_outputs(
            dotenv.render({name: v for name, v in named.items() if dotenv.can_carry(v)})
        )
