"""The entry `snippets`: what the pages' CI snippets call the step, if a team has it elsewhere."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from studio_action.server.release_names import RELEASED, ReleaseNames
from studio_action.server.run.configuration.entries import Form

# What stands in a line of YAML or of a shell as it is.
_NAME = r"[A-Za-z0-9][\w.:-]*(?:/\w[\w.:-]*)*"
_IMAGE = re.compile(rf"{_NAME}(?:@sha256:[0-9a-f]{{64}})?", re.ASCII)
_AT_REF = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)+@\w[\w./-]*", re.ASCII)


def _action(text: str) -> str:
    if not _AT_REF.fullmatch(text):
        raise ValueError("is not an action with its ref, such as platform/studio-action@v1")
    return text


def _project(text: str) -> str:
    if not _AT_REF.fullmatch(text):
        raise ValueError("is not a project with its ref, such as platform/studio-action@v1.2.0")
    return text


def _image(text: str) -> str:
    if not _IMAGE.fullmatch(text):
        raise ValueError("is not an image, such as registry.example.org/studio-action:1.2.0")
    return text


class SnippetsForm(Form):
    """The names; one that is missing is this version's, as it is RELEASED."""

    action: Annotated[str, AfterValidator(_action)] = ""
    image: Annotated[str, AfterValidator(_image)] = ""
    gitlab_project: Annotated[str, AfterValidator(_project)] = ""

    def release_names(self) -> ReleaseNames:
        """Return the same as the server's own value."""
        project, _, ref = self.gitlab_project.partition("@")
        return ReleaseNames(
            action=self.action or RELEASED.action,
            image=self.image or RELEASED.image,
            gitlab_project=project or RELEASED.gitlab_project,
            gitlab_ref=ref or RELEASED.gitlab_ref,
            gitlab_image=self.image or RELEASED.gitlab_image,
        )
