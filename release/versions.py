"""A release's version, its tags, and where the tree names it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from release.names import ReleaseNames
from studio_action.errors import BadInput

_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Three numbers: a release is never a pre-release."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version `X.Y.Z`; raise `BadInput` for another text."""
        found = _VERSION.fullmatch(text)
        if found is None:
            raise BadInput(f"{text!r} is not a release's version", "Write X.Y.Z, such as 1.4.0")
        return cls(*map(int, found.groups()))

    @classmethod
    def of_tag(cls, tag: str) -> Version:
        """Return the version of a tag `vX.Y.Z`; raise `BadInput` for another tag."""
        if not tag.startswith("v"):
            raise BadInput(f"{tag!r} is not a release's tag", "Write vX.Y.Z, such as v1.4.0")
        return cls.parse(tag[1:])

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def tag(self) -> str:
        """The tag that stays where it is."""
        return f"v{self}"

    @property
    def floating(self) -> tuple[str, str]:
        """The tags `vX.Y` and `vX`, which move to the newest release of theirs."""
        return f"v{self.major}.{self.minor}", f"v{self.major}"

    def moves(self, tag: str, released: frozenset[Version]) -> bool:
        """Return whether a floating tag moves to this version: not if a higher one is released."""
        return all(each <= self for each in released if tag in each.floating)


def with_version(text: str, names: ReleaseNames, old: Version, new: Version) -> str:
    """Return a file's text in which what names the release has the version `new` for `old`."""
    if str(old) not in text:
        return text
    projects = {names.repository, names.project, f"{names.repository}-buildkite-plugin.git"}
    images = {
        names.images.step, names.images.server,
        names.gitlab_images.step, names.gitlab_images.server,
    }  # fmt: skip
    before = [
        rf"(?<![\w.-])(?:{'|'.join(map(re.escape, images))}):",
        rf"(?:{'|'.join(map(re.escape, projects))})(?:/[\w-]+)?[@#]v?",
        r"\bref: (?:refs/tags/)?v",
        r'\bimage\.version="',
        r'\bkubernetes\.io/version: "',
        r'\b__version__ = "',
        r"\bappVersion: ",
        r"\btype: application\nversion: ",  # the chart's own
    ]
    found = re.compile(rf"({'|'.join(before)}){re.escape(str(old))}(?![\w-]|\.\d)")
    return found.sub(lambda match: match[1] + str(new), text)
