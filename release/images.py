"""The images that a release consists of, and how each is built. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from release.versions import Version


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one image is built and tagged.

    `target` is the Dockerfile's, "" for its last; `requirements` is the lock in `requirements/`.
    `suffix` is what its tags have behind the version. `name` is the key in `release.toml`.
    """

    name: str
    target: str = ""
    requirements: str = "runtime"
    suffix: str = ""

    def tag(self, version: Version) -> str:
        """Return the image's tag for a version, such as `1.4.0-slim`."""
        return f"{version}{self.suffix}"


STEP = "image"
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        STEP: Recipe("image"),
        "slim-image": Recipe("image", requirements="slim", suffix="-slim"),
        "server-image": Recipe("server-image", target="server"),
    }
)
"""By the key that the workflows of a release use."""
