"""What is known of the version that a request resolved to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.model.artifact import RemoteFile, Resolution


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a version, as far as it is asked for.

    `files` are those that are wanted; `now` is in seconds since 1970; `tags` are those that decide,
    none where no tag says what the registry says. `branches` tells of each branch whether the
    commit is on it, None where there is no such branch.
    """

    resolution: Resolution
    files: tuple[RemoteFile, ...]
    now: float
    tags: tuple[TagRef, ...] = ()
    branches: Mapping[str, bool | None] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
