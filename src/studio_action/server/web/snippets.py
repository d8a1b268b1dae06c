"""CI snippets that download a model from this server. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from studio_action.server.release_names import RELEASED, ReleaseNames

CI = Literal["github", "gitlab", "docker"]
"""The kinds of snippets."""

NAMES: Mapping[CI, str] = {
    "github": "GitHub Actions",
    "gitlab": "GitLab CI/CD",
    "docker": "docker run",
}


_PLAIN = re.compile(r"[A-Za-z][\w./:-]*(?<!:)", re.ASCII)
# https://yaml.org/type/bool.html, and what YAML 1.2 has besides.
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


@dataclass(frozen=True, slots=True)
class SnippetInputs:
    """The inputs of a snippet: a model on the server at `url`; without a stage, its latest.

    `names` are what the snippet calls the step.
    """

    url: str
    repository: str
    model: str
    stage: str = ""
    names: ReleaseNames = RELEASED

    @property
    def by_name(self) -> Mapping[str, str]:
        """The program's inputs by name."""
        stage = {"stage": self.stage} if self.stage else {}
        return {"studio-url": self.url, "repo": self.repository, "model": self.model, **stage}


def parse_ci(text: str) -> CI:
    """Return the kind of snippet that a text names; GitHub's for an unknown one."""
    return next((ci for ci in get_args(CI) if ci == text), "github")


def snippet(inputs: SnippetInputs, ci: CI) -> str:
    """Return a step, job or command that downloads the model; it holds no token."""
    match ci:
        case "github":
            return _github(inputs)
        case "gitlab":
            return _gitlab(inputs)
        case "docker":
            return _docker(inputs)


def _github(inputs: SnippetInputs) -> str:
    return "\n".join(
        [
            "- name: Download the model",
            "  id: model",
            f"  uses: {inputs.names.action}",
            "  with:",
            "    token: ${{ secrets.DVC_STUDIO_TOKEN }}",
            *(f"    {name}: {_scalar(text)}" for name, text in inputs.by_name.items()),
            "    dest: model",
        ]
    )


def _gitlab(inputs: SnippetInputs) -> str:
    return "\n".join(
        [
            "# The token is the masked CI/CD variable DVC_STUDIO_TOKEN.",
            "include:",
            f"  - project: {inputs.names.gitlab_project}",
            f"    ref: {inputs.names.gitlab_ref}",
            "    file: /.gitlab-ci-template.yml",
            "    inputs:",
            f"      image: {inputs.names.gitlab_image}",
            "      download-job: fetch-model",
            *(f"      {name}: {_scalar(text)}" for name, text in inputs.by_name.items()),
        ]
    )


def _docker(inputs: SnippetInputs) -> str:
    lines = [
        "# The token is in the environment: export DVC_STUDIO_TOKEN=...",
        'docker run --rm --user "$(id -u):$(id -g)" \\',
        '  --volume "$PWD:/workspace" --workdir /workspace \\',
        f"  --env DVC_STUDIO_TOKEN {inputs.names.image} download-model \\",
        *(f"  --{name} {shlex.quote(text)} \\" for name, text in inputs.by_name.items()),
        "  --dest model",
    ]
    return "\n".join(lines)


def _scalar(text: str) -> str:
    """Return `text` as a YAML string, in quotes if YAML would read it as another type."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else json.dumps(text)
