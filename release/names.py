"""The names under which studio-action is released, from `release.toml`. Pure."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from studio_action.errors import BadInput

FILE = "release.toml"
_HINT = f"Write all names into {FILE} as the file's first version has them"

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_PROJECT = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)+", re.ASCII)
# https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests,
# after a host.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(rf"[a-z0-9.-]+(?::\d+)?(?:/{_PART})+", re.ASCII)
# https://packaging.python.org/en/latest/specifications/name-normalization/
_PYTHON = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Images:
    """The images at one registry, `HOST/PATH` without a tag: the step's and the server's."""

    step: str
    server: str


@dataclass(frozen=True, slots=True)
class ReleaseNames:
    """The names: `owner/name` on GitHub, the project's path on GitLab, the project on PyPI."""

    repository: str
    images: Images
    project: str
    gitlab_images: Images
    python_project: str

    @classmethod
    def parse(cls, text: str) -> ReleaseNames:
        """Return the names that `release.toml` holds; raise `BadInput` for another text."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadInput(f"{FILE} is not TOML: {error}", _HINT) from None
        github, gitlab = (_Table(name, tables.get(name)) for name in ("github", "gitlab"))
        return cls(
            github.name("repository", _REPOSITORY),
            Images(github.name("image", _IMAGE), github.name("server-image", _IMAGE)),
            gitlab.name("project", _PROJECT),
            Images(gitlab.name("image", _IMAGE), gitlab.name("server-image", _IMAGE)),
            _Table("pypi", tables.get("pypi")).name("project", _PYTHON),
        )

    @property
    def owner(self) -> str:
        """The owner on GitHub."""
        return self.repository.partition("/")[0]

    def image(self, key: str, gitlab: bool = False) -> str:
        """Return the image that `release.toml` has under `image` or `server-image`."""
        images = self.gitlab_images if gitlab else self.images
        return images.server if key == "server-image" else images.step

    def written(self) -> tuple[str, ...]:
        """Return how files write the names, in the order of `ReleaseNames.parse`.

        GitHub's repository and GitLab's project may be called alike: what is around a name tells
        them apart.
        """
        return (
            self.images.server,
            self.images.step,
            self.gitlab_images.server,
            self.gitlab_images.step,
            f"{self.repository}@v",
            f"{self.repository}/composite@v",
            f"github.com/{self.repository}",
            f"name: {self.repository}",
            f"--repo {self.repository}",
            f"workflow {self.repository}/.github",
            f'GITHUB = "{self.repository}"',
            f"https://github.com/{self.owner}",
            f"https://{self.owner}.github.io/{self.repository.partition('/')[2]}",
            f'"{self.owner}/*"',
            f"project: {self.project}",
            f"gitlab.com/{self.project}",
            f"$CI_SERVER_FQDN/{self.project}/",
            f'GITLAB = "{self.project}"',
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the file."""

    title: str
    content: object

    def name(self, key: str, allowed: re.Pattern[str]) -> str:
        given = self.content.get(key) if isinstance(self.content, Mapping) else None
        if not isinstance(given, str) or not allowed.fullmatch(given):
            raise BadInput(f"{FILE} has no usable {key} in [{self.title}]: {given!r}", _HINT)
        return given


def renamed(text: str, old: ReleaseNames, new: ReleaseNames) -> str:
    """Return a file's text with the new names in place of the old ones."""
    if not any(name in text for name in old.written()):
        return text
    replacement = dict(zip(old.written(), new.written(), strict=True))
    longest_first = sorted(replacement, key=len, reverse=True)
    found = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, longest_first))})")
    return found.sub(lambda match: replacement[match[1]], text)
