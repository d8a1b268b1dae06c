"""What GTO's tags add up to: each model's versions, and which of them holds which stage. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from studio_action.artifact import ModelName, Selector

Prerelease = Literal["include", "exclude", "only"]
"""Whether pre-releases count where no version is named."""


@dataclass(frozen=True, slots=True)
class TagRef:
    """One tag of a repository.

    `name` may begin with `refs/tags/`; `revision` is the commit it leads to, 40 hexadecimal
    digits; `when` is the tagger's date in seconds since 1970; a tag that is not `annotated` has
    none of its own and does not count.
    """

    name: str
    revision: str
    when: int
    annotated: bool


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model, as its newest registration says.

    A commit that was given a stage without being registered is a version as well, named by its
    revision; `tag` and `when` are then those of the newest stage given to it.
    """

    name: str
    revision: str
    tag: str
    when: int

    @property
    def registered(self) -> bool:
        return self.name != self.revision


@dataclass(frozen=True, slots=True)
class Model:
    """One model as `gto show` has it.

    `versions` are those that count, the highest first. `stages` has the versions that each stage
    was given to and not taken from, the last assignment first: the first one holds it.
    A `deprecated` model has neither. `warnings` say, in a line each, where tags contradict each
    other and what was made of it.
    """

    name: ModelName
    versions: tuple[Version, ...]
    stages: Mapping[str, tuple[Version, ...]]
    deprecated: bool
    warnings: tuple[str, ...] = ()

    def latest(self, prerelease: Prerelease = "include") -> Version | None:
        """The highest version."""
        raise NotImplementedError

    def at_version(self, version: str) -> Version | None:
        """The version of that name, e.g. `v1.2.0`."""
        raise NotImplementedError

    def in_stage(self, stage: str) -> Version | None:
        """The version that holds the stage: the last assignment wins."""
        raise NotImplementedError

    def previous_in_stage(self, stage: str) -> Version | None:
        """The version that would hold the stage if it were taken from the one that does."""
        raise NotImplementedError

    def matching(self, wanted: str, prerelease: Prerelease = "include") -> Version | None:
        """The highest version in a range such as `^1.2`; `BadInput` if that is no range."""
        raise NotImplementedError


def read(tags: Iterable[TagRef]) -> Mapping[ModelName, Model]:
    """Every model that was ever tagged, by name."""
    raise NotImplementedError


def select(model: Model, selector: Selector, prerelease: Prerelease = "include") -> Version | None:
    """The version that `selector` means now, or None."""
    raise NotImplementedError
