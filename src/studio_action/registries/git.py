"""The registry that a Git repository is: GTO's tags, DVC's files and DVC's remotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from studio_action.gitrepo.dvc.outputs import PIPELINE, SUFFIX
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model, Prerelease
from studio_action.gitrepo.locate import locating
from studio_action.gitrepo.locate.context import ResolveContext
from studio_action.model.artifact import ArtifactRef, ModelName, RemoteFile, Resolution, Selector
from studio_action.net import signed_url
from studio_action.registries.choosing import choose, known, stage_of
from studio_action.text import printable


@dataclass
class GitRegistry:
    """Models of one repository, which stays open meanwhile; implements `registries.base.Registry`.

    However often it is asked, its tags are read once: a stage that moves meanwhile does no harm.
    `mask` hears the secrets of the files' URLs, `say` what is odd about the tags, and `leave_out`,
    or `say` if there is none, which files of the repository could not be read and are not needed.
    """

    repository: Repository
    surroundings: ResolveContext
    prerelease: Prerelease
    mask: Callable[[str], None]
    say: Callable[[str], None]
    leave_out: Callable[[str], None] | None = None
    _said: set[str] = field(default_factory=set, init=False)

    @cached_property
    def models(self) -> Mapping[ModelName, Model]:
        """Every model that a tag names."""
        return history.read(self.repository.tags())

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """The files of one model version, with sizes and digests as DVC's files tell them.

        Raises also `BadInput` where a remote cannot be read as it is set up, `ObjectMissing` and
        `ContentMismatch` where a folder's manifest cannot be had.
        """
        model = known(self.models, artifact)
        self._warn(model)
        choice = choose(model, artifact, selector, self.prerelease)
        revision = self.repository.revision(choice.version.revision)
        root, located = locating.locate_model(
            artifact.model, revision, self.surroundings, say=self.leave_out or self._say_once
        )
        found = self.surroundings.files(located)
        self._mask(found)
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
        )
        if pointer := pointer_in(resolution):
            self._say_once(pointer)
        return resolution

    def _warn(self, model: Model) -> None:
        for warning in model.warnings:
            self._say_once(warning)

    def _say_once(self, warning: str) -> None:
        if warning not in self._said:
            self._said.add(warning)
            self.say(warning)

    def _mask(self, files: tuple[RemoteFile, ...]) -> None:
        for secret in signed_url.to_mask(file.url for file in files):
            self.mask(secret)
        for line in sorted({line for file in files for line in file.headers}):
            self.mask(line.partition(": ")[2])
            self.mask(line.rpartition(" ")[2])


def pointer_in(resolution: Resolution) -> str:
    """What is wrong if the model is a file of DVC that only points to content; '' if it is not."""
    root = resolution.root or ""
    if not root.endswith(SUFFIX) or [file.path for file in resolution.files] != [root]:
        return ""
    shown = printable(root, 200)
    return (
        f"{shown!r} is the model's path, and only points to content: write"
        f" {shown.removesuffix(SUFFIX)!r} as its path in {PIPELINE}"
    )
