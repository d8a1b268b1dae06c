"""Tags whose signatures are required: what checks them, and a Studio in which they decide."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto.history import Model
from studio_action.inputs.model_request import ModelRequest
from studio_action.inputs.studio import Studio
from studio_action.model.artifact import ModelName
from studio_action.registries.base import CheckTags, Registry
from studio_action.registries.pinned import PinnedRegistry

if TYPE_CHECKING:
    from studio_action.gitrepo.signatures.requirement import TagSignature
    from studio_action.gitrepo.signatures.verifier import TagVerifier
    from studio_action.model.signed_tag import SignedTag
    from studio_action.registries.studio import StudioRegistry


@dataclass(frozen=True, slots=True)
class TagVerifiers:
    """Says who signed a tag of `repository`, by one verifier for each requirement.

    `trusted_root` fetches Sigstore's root of trust into an empty folder, where one is needed and
    none was given; `scratch` is a folder that lasts as long as this.
    """

    git: Callable[[], Git]
    repository: Callable[[], Repository]
    trusted_root: Callable[[Path], str]
    scratch: Path
    _opened: dict[TagSignature, TagVerifier] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, required: TagSignature, tag: TagRef) -> SignedTag:
        """Return who signed the tag; raise what `TagVerifier.verify` raises."""
        return self.open(required).verify(tag, self.repository().tag_object)

    def check(self, required: TagSignature | None) -> CheckTags | None:
        """Return what checks the tags that decide; None where nothing is required of them.

        Raises what `TagVerifier.open` raises.
        """
        if required is None:
            return None
        self.open(required)
        return lambda tags: tuple(self(required, tag) for tag in tags)

    def open(self, required: TagSignature) -> TagVerifier:
        """Return what checks tags as is `required`; raises what `TagVerifier.open` raises."""
        if required not in self._opened:
            self._opened[required] = self._open(required)
        return self._opened[required]

    def _open(self, required: TagSignature) -> TagVerifier:
        from studio_action.gitrepo.signatures.verifier import TagVerifier

        folder = Path(tempfile.mkdtemp(dir=self.scratch, prefix="tags-"))
        if required.kind == "gitsign" and not required.trust:
            (folder / "trust").mkdir()
            required = replace(required, trust=self.trusted_root(folder / "trust"))
        return TagVerifier.open(required, self.git(), folder)


def signed_registry(
    registry: StudioRegistry,
    check_tags: CheckTags,
    request: ModelRequest,
    studio: Studio,
    models: Callable[[], Mapping[ModelName, Model]],
    say: Callable[[str], None],
) -> Registry:
    """Make a registry of Studio in which signed tags decide, whatever a server names besides."""
    from studio_action.registries.extended import ExtendedStudioRegistry

    inner: Registry = registry
    if studio.is_self_hosted:
        inner = ExtendedStudioRegistry(registry, registry, request.prerelease, _say_nothing)
    return PinnedRegistry(inner, models, request.prerelease, say, check_tags)


def _say_nothing(_: str) -> None:
    """Leave out that a server names the version: the tags are read all the same."""
