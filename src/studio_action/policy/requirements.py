"""What a version must fulfil, as one frozen value; two of them merge into the stricter one. Pure.

Whatever a part says, it holds beside all others: of two branches, a commit must be on both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, TypeVar

from studio_action.model.versions import is_older
from studio_action.policy.rollback import OnRollback, stricter

if TYPE_CHECKING:
    from studio_action.gitrepo.signatures.requirement import TagSignature
    from studio_action.signature.policy import SignaturePolicy

_T = TypeVar("_T")
Globs = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a version must fulfil; the default asks for nothing.

    `branches` are those that its commit must be on, each of them. Each entry of `taggers` is a
    list of globs, one of which must match the address of whoever made a tag that decides.
    `released` refuses pre-releases. `max_age` is in seconds, `max_size` in bytes. `labels` are
    those that `dvc.yaml` must give the model. `digests` refuses files without a digest. `minimum`
    is a version, '' for none; `rollback` is how a way back is treated at least. Each of
    `signatures` says who must have signed the model, and each of `tag_signatures` who the tags that
    decide.
    """

    branches: tuple[str, ...] = ()
    taggers: tuple[Globs, ...] = ()
    released: bool = False
    max_age: int | None = None
    max_size: int | None = None
    labels: frozenset[str] = frozenset()
    digests: bool = False
    minimum: str = ""
    rollback: OnRollback = "allow"
    signatures: tuple[SignaturePolicy, ...] = ()
    tag_signatures: tuple[TagSignature, ...] = ()

    def __bool__(self) -> bool:
        return self != _NOTHING

    def __and__(self, other: Requirements) -> Requirements:
        """Return what fulfils both: nothing passes that one of them alone refuses."""
        return Requirements(
            _union(self.branches, other.branches),
            _union(self.taggers, other.taggers),
            self.released or other.released,
            _least(self.max_age, other.max_age),
            _least(self.max_size, other.max_size),
            self.labels | other.labels,
            self.digests or other.digests,
            _highest(self.minimum, other.minimum),
            stricter(self.rollback, other.rollback),
            _union(self.signatures, other.signatures),
            _union(self.tag_signatures, other.tag_signatures),
        )

    @property
    def of_tags(self) -> bool:
        """Return whether the tags that decide must be read."""
        return bool(self.taggers or self.tag_signatures) or self.max_age is not None

    @property
    def of_repository(self) -> bool:
        """Return whether the repository must be read."""
        return self.of_tags or bool(self.branches or self.labels)


_NOTHING = Requirements()


def merge(every: Iterable[Requirements]) -> Requirements:
    """Return what fulfils all of them."""
    return reduce(Requirements.__and__, every, _NOTHING)


def _union(one: tuple[_T, ...], other: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _highest(one: str, other: str) -> str:
    if not one or not other:
        return one or other
    return other if is_older(one, other) else one


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
