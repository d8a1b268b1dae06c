"""The release's commit: the source with its images by digest, and the tags that lead to it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from release import tree
from release.rendering import rendered
from release.versions import Version
from studio_action.errors import BadInput


@dataclass(frozen=True, slots=True)
class Release:
    """One release: `images` are references by digest, of images without a tag.

    `step` is the image among them that the GitHub action runs.
    """

    version: Version
    images: Mapping[str, str]
    step: str

    @property
    def branch(self) -> str:
        """The branch that the releases of one `X.Y` are on."""
        return f"release-{self.version.major}.{self.version.minor}"

    @property
    def message(self) -> str:
        """The commit's message, which says what the action runs."""
        lines = [f"Image: {reference}" for reference in sorted(self.images.values())]
        return "\n".join([f"Release {self.version}", "", *lines, ""])


def released_versions(root: Path) -> frozenset[Version]:
    """Return the versions that the repository has tags of."""
    versions = []
    for tag in tree.git(root, "tag", "--list", "v*.*.*").split():
        try:
            versions.append(Version.of_tag(tag))
        except BadInput:
            continue
    return frozenset(versions)


def commit_release(root: Path, release: Release) -> list[str]:
    """Commit the release on top of HEAD and tag it; return the refs to push.

    The commit has the source's date, so that it is the same each time. A tag `vX.Y.Z` that is
    there stays where it is: raise `BadInput`.
    """
    earlier = released_versions(root)
    if release.version in earlier:
        raise BadInput(
            f"{release.version.tag} is there", "A release is never changed: make the next"
        )
    source_date = tree.git(root, "log", "-1", "--format=%cI").strip()
    tree.git(root, "switch", "--quiet", "--force-create", release.branch)
    for path, text in list(tree.texts(root)):
        name = path.relative_to(root).as_posix()
        new = rendered(name, text, release.version, release.images, release.step)
        if new != text:
            path.write_text(new, "utf-8")
            tree.git(root, "add", "--", name)
    dates = {"GIT_AUTHOR_DATE": source_date, "GIT_COMMITTER_DATE": source_date}
    _commit(root, release.message, dates)
    moved = [tag for tag in release.version.floating if release.version.moves(tag, earlier)]
    tree.git(root, "tag", release.version.tag)
    for tag in moved:
        tree.git(root, "tag", "--force", tag)
    return [release.branch, release.version.tag, *moved]


def _commit(root: Path, message: str, environ: Mapping[str, str]) -> None:
    who = (
        "-c",
        "user.name=studio-action release",
        "-c",
        "user.email=release@users.noreply.invalid",
    )
    subprocess.run(
        ["git", *who, "commit", "--quiet", "--no-gpg-sign", "--message", message],
        cwd=root,
        env={**tree.environ(), **environ},
        check=True,
    )
