"""A registry whose server tells the whole answer: version, commit, sizes and digests.

DVC Studio does not, our own server does. Which of the two it is, the first answer shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.model.artifact import ArtifactRef, AtVersion, Resolution, Selector
from studio_action.registries.base import Registry
from studio_action.registries.studio import StudioRegistry


@dataclass(slots=True)
class TellingRegistry:
    """Asks the server for everything at once; what it cannot tell, `otherwise` finds out.

    `say` hears which of the two it is.
    """

    studio: StudioRegistry
    otherwise: Registry
    prerelease: Prerelease
    say: Callable[[str], None]
    _tells: bool = field(default=True, init=False)
    _told: dict[tuple[ArtifactRef, Selector], Resolution] = field(
        default_factory=dict, init=False, repr=False
    )

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """The files of one version; the same version and commit however often it is asked."""
        if not self._tells:
            return self.otherwise.resolve(artifact, selector)
        told = self._told.get((artifact, selector))
        if told is not None:
            return replace(told, files=self._again(told).files)
        found = self.studio.told(artifact, selector, self.prerelease)
        if found is None:
            self._tells = False
            return self.otherwise.resolve(artifact, selector)
        self.say("The server itself tells the version, so the repository's tags are not read")
        self._told[artifact, selector] = found
        return found

    def _again(self, told: Resolution) -> Resolution:
        """The same with URLs that are new; asked by version, which moves less than a stage."""
        artifact, selector = told.artifact, told.selector
        asked = AtVersion(told.version) if told.version else selector
        found = self.studio.told(artifact, asked, self.prerelease)
        if found is None:
            raise UnexpectedAnswer(
                f"asked again for the {selector} of {artifact}, the server no longer tells the"
                " version",
                "Run the step again",
            )
        if (found.version, found.revision) != (told.version, told.revision):
            raise UnexpectedAnswer(
                f"the {selector} of {artifact} moved meanwhile, from commit {told.revision[:7]}"
                f" to {found.revision[:7]}",
                "Run the step again",
            )
        return found
