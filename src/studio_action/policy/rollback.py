"""Whether a version is a way back: older than it may be, or other than it was. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from studio_action.errors import PolicyRefused
from studio_action.model.artifact import Resolution
from studio_action.model.digest import Digest
from studio_action.model.versions import is_older

OnRollback = Literal["allow", "warn", "refuse"]
_STRICTNESS: tuple[OnRollback, ...] = ("allow", "warn", "refuse")


def stricter(one: OnRollback, other: OnRollback) -> OnRollback:
    """Return the one that permits less."""
    return max(one, other, key=_STRICTNESS.index)


@dataclass(frozen=True, slots=True)
class EarlierDownload:
    """What the manifest of an earlier download says; empty text: it was not known."""

    repository: str
    model: str
    version: str
    tag: str
    revision: str
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class VersionLimits:
    """What a version must not be older than, or differ from.

    `minimum` is a version, '' for none. `earlier` is the last download; `missing` is the name of
    its manifest on a first run, where there is none yet. `on_rollback` decides about a version
    that is older than the one in `earlier`, and about one of which that is not known.
    """

    minimum: str = ""
    earlier: EarlierDownload | None = None
    on_rollback: OnRollback = "refuse"
    missing: str = ""

    def check(self, found: Resolution, digest: Digest | None) -> str:
        """Return a warning about what was found, '' if there is nothing to say.

        Raises `PolicyRefused` for a version below the minimum, for an earlier version that became
        another commit or other content, and for a way back, unless `on_rollback` permits it.
        """
        if self.minimum:
            _check_minimum(found, self.minimum)
        if self.earlier is None:
            return ""
        _check_commit(found, self.earlier)
        self.check_content(found, digest)
        message, hint = _way_back(found, digest, self.earlier)
        if message and self.on_rollback == "refuse":
            raise PolicyRefused(message, hint)
        return message if self.on_rollback == "warn" else ""

    def tightened(self, rollback: OnRollback) -> VersionLimits:
        """Return these limits, with a way back treated as `rollback` at least.

        Raises `PolicyRefused` where it is to be refused and no manifest is named to know it by.
        """
        if rollback == "refuse" and self.earlier is None and not self.missing:
            raise PolicyRefused(
                "the policy refuses a roll-back, and the last version is unknown",
                "Set not-older-than: the manifest of the last download, which may be missing at"
                " first",
            )
        return replace(self, on_rollback=stricter(self.on_rollback, rollback))

    def check_content(self, found: Resolution, digest: Digest | None) -> None:
        """Raise `PolicyRefused` if the earlier version, or commit, has another digest now."""
        if self.earlier and digest and _is_same(found, self.earlier):
            _check_digest(found, digest, self.earlier)


def _check_minimum(found: Resolution, minimum: str) -> None:
    if not found.version:
        raise PolicyRefused(
            f"the version of the {found.selector} of {found.artifact} is not known, so it may be"
            f" older than {minimum}",
            _how_to_know(found),
        )
    if is_older(found.version, minimum):
        raise PolicyRefused(
            f"the {found.selector} of {found.artifact} is {found.version}, which is older than"
            f" the minimum-version {minimum}",
            "Give a newer version, or lower minimum-version",
        )


def _check_commit(found: Resolution, earlier: EarlierDownload) -> None:
    same = found.version == earlier.version if found.version else found.tag == earlier.tag
    name = found.version or found.tag
    if not (name and same and found.revision and earlier.revision):
        return
    if found.revision != earlier.revision:
        raise PolicyRefused(
            f"{found.tag or name} of {found.artifact} was moved: it was commit"
            f" {earlier.revision[:7]} in the earlier manifest, and is {found.revision[:7]} now",
            "Register the new commit as a new version; if you wanted the move, remove the earlier"
            " manifest",
        )


def _is_same(found: Resolution, earlier: EarlierDownload) -> bool:
    """Return whether both are one version or one commit, as far as that is known."""
    if found.version and found.version == earlier.version:
        return True
    return bool(found.revision) and found.revision == earlier.revision


def _check_digest(found: Resolution, digest: Digest, earlier: EarlierDownload) -> None:
    if earlier.digest is None or digest.hex == earlier.digest.hex:
        return
    raise PolicyRefused(
        f"{found.version or found.revision[:7]} of {found.artifact} has other content than in the"
        f" earlier manifest: it was md5:{earlier.digest.hex}, and is md5:{digest.hex} now",
        "Register other content as a new version; if you wanted the change, remove the earlier"
        " manifest",
    )


def _way_back(
    found: Resolution, digest: Digest | None, earlier: EarlierDownload
) -> tuple[str, str]:
    """Return why `found` is a way back, or may be one, and what to do; empty texts if it is none.

    What has no version is none if it is the earlier commit, or has the earlier content.
    """
    if found.version and earlier.version:
        if not is_older(found.version, earlier.version):
            return "", ""
        return (
            f"the {found.selector} of {found.artifact} is {found.version}, which is older than"
            f" {earlier.version} in the earlier manifest",
            "If you want this roll-back, set rollback: allow",
        )
    if found.revision and found.revision == earlier.revision:
        return "", ""
    if digest and earlier.digest and digest.hex == earlier.digest.hex:
        return "", ""
    if not found.version:
        return (
            f"the version of the {found.selector} of {found.artifact} is not known, so it may be"
            " older than that of the earlier manifest",
            f"{_how_to_know(found)}, or give rollback: allow",
        )
    return (
        f"the version in the earlier manifest is not known, so {found.version} of"
        f" {found.artifact} may be older",
        f"If {found.version} is the newer one, give rollback: allow this time",
    )


def _how_to_know(found: Resolution) -> str:
    if found.tag:
        return f"Register commit {found.revision[:7]} as a version with GTO"
    return "Give a git-token that may read the repository's tags"
