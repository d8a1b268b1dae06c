"""The names under which this version is released: `make names` writes them, from `release.toml`."""

from __future__ import annotations

from dataclasses import dataclass

from studio_action import __version__

GITHUB = "studio-action/studio-action"
GITLAB = "studio-action/studio-action"
IMAGE = "ghcr.io/studio-action/studio-action"
GITLAB_IMAGE = "registry.gitlab.com/studio-action/studio-action"


@dataclass(frozen=True, slots=True)
class ReleaseNames:
    """What CI snippets call the step: by default this version, as it is released.

    `action` is what GitHub's `uses:` takes, `gitlab_project` the path of the project whose template
    is included, at `gitlab_ref`.
    """

    action: str = f"{GITHUB}@v{__version__}"
    image: str = f"{IMAGE}:{__version__}"
    gitlab_project: str = GITLAB
    gitlab_ref: str = f"v{__version__}"
    gitlab_image: str = f"{GITLAB_IMAGE}:{__version__}"


RELEASED = ReleaseNames()
"""This version, as it is released."""
