"""What a request is held to, and the check of what it resolved to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from studio_action.errors import NotFound, PolicyRefused, TokenRefused
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import RemoteFile, Resolution
from studio_action.policy.check import check
from studio_action.policy.gathering import gather
from studio_action.policy.requirements import Requirements


@dataclass(frozen=True, slots=True)
class Policy:
    """What a version must fulfil before anything of it is downloaded.

    `repository` opens the repository that the model is in, where something there must be read.
    """

    required: Requirements
    repository: Callable[[], Repository]
    utc: Callable[[], datetime]

    def check(self, resolution: Resolution, files: Sequence[RemoteFile]) -> None:
        """Raise `PolicyRefused` unless `resolution`, of which `files` are wanted, fulfils it.

        Also raises `Unreachable` and what else reading the repository raises.
        """
        if not self.required:
            return
        now = self.utc().timestamp()
        try:
            facts = gather(self.required, resolution, files, now, self.repository)
        except (NotFound, TokenRefused) as error:  # which is no reason to skip a run
            raise PolicyRefused(
                f"what is required of {resolution.artifact} cannot be checked: {error.message}",
                error.hint or "Give a git-token that may read the repository",
            ) from error
        check(self.required, facts)
