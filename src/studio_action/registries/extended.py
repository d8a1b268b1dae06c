"""The registry of a server that has our extension of Studio's API.

Its answers have the version, the commit, sizes and digests; those of DVC Studio do not. The first
answer shows which kind of server it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.model.artifact import ArtifactRef, AtVersion, Resolution, Selector
from studio_action.registries.base import Registry
from studio_action.registries.studio import StudioRegistry
from studio_action.studio.resolve import CommittedPolicy


@dataclass(slots=True)
class ExtendedStudioRegistry:
    """Resolves by the extension of the API; by `fallback` where the server does not have it.

    `log` gets a line that says so, if the server has it. `policy` is what it says of the
    repository's, once something is resolved; None where it does not say.
    """

    studio: StudioRegistry
    fallback: Registry
    prerelease: Prerelease
    log: Callable[[str], None]
    policy: CommittedPolicy | None = field(default=None, init=False)
    _is_extended: bool = field(default=True, init=False)
    _resolved: dict[tuple[ArtifactRef, Selector], Resolution] = field(
        default_factory=dict, init=False, repr=False
    )

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Return the files of one version; of the same commit, however often it is called."""
        if not self._is_extended:
            return self.fallback.resolve(artifact, selector)
        earlier = self._resolved.get((artifact, selector))
        if earlier is not None:
            return replace(earlier, files=self._renewed(earlier).files)
        found = self.studio.resolve_details(artifact, selector, self.prerelease)
        if found is None:
            self._is_extended = False
            return self.fallback.resolve(artifact, selector)
        self.log("Version supplied by the server; Git tags not needed")
        self.policy = found.policy
        self._resolved[artifact, selector] = found.resolution
        return found.resolution

    def _renewed(self, earlier: Resolution) -> Resolution:
        """Return `earlier` with new URLs; raise `UnexpectedAnswer` if it is another commit now.

        The request is by version, which moves less than a stage.
        """
        artifact, selector = earlier.artifact, earlier.selector
        requested = AtVersion(earlier.version) if earlier.version else selector
        details = self.studio.resolve_details(artifact, requested, self.prerelease)
        if details is None:
            raise UnexpectedAnswer(
                f"the server gave the version of the {selector} of {artifact} at first, and then"
                " no longer",
                "Run the step again",
            )
        found = details.resolution
        if (found.version, found.revision) != (earlier.version, earlier.revision):
            raise UnexpectedAnswer(
                f"the {selector} of {artifact} moved meanwhile, from commit {earlier.revision[:7]}"
                f" to {found.revision[:7]}",
                "Run the step again",
            )
        return found
