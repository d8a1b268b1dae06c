"""The registry that a Git repository is: GTO's tags, DVC's files and DVC's remotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from studio_action.gitrepo.dvc.outputs import PIPELINE, SUFFIX
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.revision import Revision
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model, Prerelease
from studio_action.gitrepo.locate import locating
from studio_action.gitrepo.locate.context import ResolveContext
from studio_action.gitrepo.locate.located import LocatedFile
from studio_action.model.artifact import ArtifactRef, ModelName, RemoteFile, Resolution, Selector
from studio_action.net import signed_url
from studio_action.registries.base import CheckTags
from studio_action.registries.version_choice import choose_version, find_model, stage_of
from studio_action.text import printable

if TYPE_CHECKING:
    from studio_action.signature.policy import SignaturePolicy


@dataclass
class GitRegistry:
    """The models of one open repository; implements `registries.base.Registry`.

    The tags are read once, so a stage that moves meanwhile does no harm. `mask` gets the secrets
    of the files' URLs, and `warn` gets what is wrong with the tags. `log_skipped`, or `warn` if it
    is None, gets the files of DVC that cannot be read and are not needed. A model's
    `signatures` are looked for, too. `check_tags` looks at the tags that decide before anything
    of their commit is read; None requires nothing of them. `read_models` reads the tags for
    several registries of one repository; None: this one reads them itself.
    """

    repository: Repository
    context: ResolveContext
    prerelease: Prerelease
    mask: Callable[[str], None]
    warn: Callable[[str], None]
    log_skipped: Callable[[str], None] | None = None
    signatures: tuple[SignaturePolicy, ...] = ()
    check_tags: CheckTags | None = None
    read_models: Callable[[], Mapping[ModelName, Model]] | None = None
    _warned: set[str] = field(default_factory=set, init=False)

    @cached_property
    def models(self) -> Mapping[ModelName, Model]:
        """Return every model that a tag names."""
        if self.read_models is not None:
            return self.read_models()
        return history.read(self.repository.tags())

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Return the files of one model version, with the sizes and digests in DVC's files.

        Also raises `PolicyRefused` for the tags, `BadInput` where a remote cannot be read as it is
        set up, `ObjectMissing` and `ContentMismatch` where a folder's manifest is missing or
        damaged.
        """
        model = find_model(self.models, artifact)
        self._warn_about(model)
        choice = choose_version(model, artifact, selector, self.prerelease)
        signed_tags = self.check_tags(choice.tags) if self.check_tags else ()
        revision = self.repository.revision(choice.version.revision)
        root, located = locating.locate_model(
            artifact.model, revision, self.context, say=self.log_skipped or self._warn_once
        )
        found = self.context.files(located)
        signatures = self._beside(root, found, revision)
        self._mask((*found, *signatures))
        resolution = Resolution(
            artifact=artifact,
            selector=selector,
            source="git",
            files=found,
            version=choice.name,
            stage=stage_of(selector),
            tag=choice.version.tag,
            revision=choice.version.revision,
            previous_version=choice.previous_name,
            root=root,
            signatures=signatures,
            signed_tags=signed_tags,
            registered=choice.registered,
            assigned=choice.assigned,
            holders=choice.holders,
        )
        if pointer := pointer_in(resolution):
            self._warn_once(pointer)
        return resolution

    def _beside(
        self, root: str, files: tuple[RemoteFile, ...], revision: Revision
    ) -> tuple[RemoteFile, ...]:
        """Return the signatures that are wanted and not among the model's own files."""
        own, say = {file.path for file in files}, self.log_skipped or self._warn_once
        found: dict[str, LocatedFile] = {}
        for policy in self.signatures:
            for place in policy.places(root, files):
                if place in own or place in found:
                    break
                if located := locating.locate_file(place, revision, self.context, say=say):
                    found[place] = located
                    break
        return self.context.files(found.values())

    def _warn_about(self, model: Model) -> None:
        for warning in model.warnings:
            self._warn_once(warning)

    def _warn_once(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            self.warn(warning)

    def _mask(self, files: tuple[RemoteFile, ...]) -> None:
        for secret in signed_url.secrets_to_mask(file.url for file in files):
            self.mask(secret)
        for line in sorted({line for file in files for line in file.headers}):
            self.mask(line.partition(": ")[2])
            self.mask(line.rpartition(" ")[2])


def pointer_in(resolution: Resolution) -> str:
    """Return a warning if the model is a `.dvc` file, which only points to content; else ''."""
    root = resolution.root or ""
    if not root.endswith(SUFFIX) or [file.path for file in resolution.files] != [root]:
        return ""
    shown = printable(root, 200)
    return (
        f"{shown!r} is the model's path, and only points to content: write"
        f" {shown.removesuffix(SUFFIX)!r} as its path in {PIPELINE}"
    )
