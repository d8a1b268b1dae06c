"""Who signed the source's tag, by the allowed signers that are in the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from release import tree
from release.versions import Version
from studio_action.errors import BadInput, PolicyRefused

SOURCE = "source/"
"""What the signed tag of the source begins with: `vX.Y.Z` is the release that is made of it."""
ALLOWED_SIGNERS = "release/allowed-signers"


def verify_source(root: Path, tag: str, current: Version) -> Version:
    """Return the version of the signed tag `source/vX.Y.Z` that HEAD is at.

    Raise `BadInput` if it is a tag of another version or commit, `PolicyRefused` if nobody of the
    allowed signers signed it.
    """
    version = Version.of_tag(tag.removeprefix(SOURCE)) if tag.startswith(SOURCE) else None
    if version is None:
        raise BadInput(f"{tag!r} is not a source's tag", f"Write {SOURCE}vX.Y.Z")
    if version != current:
        raise BadInput(
            f"{tag} is on a tree of version {current}",
            f"Run `make version VERSION={version}` first",
        )
    at = tree.git(root, "rev-parse", "--verify", f"refs/tags/{tag}^{{commit}}").strip()
    if at != tree.git(root, "rev-parse", "HEAD").strip():
        raise BadInput(f"{tag} is on {at[:7]}, which is not checked out", "Check the tag out")
    done = subprocess.run(
        ["git", "-c", f"gpg.ssh.allowedSignersFile={root / ALLOWED_SIGNERS}",
         "-c", "gpg.format=ssh", "verify-tag", f"refs/tags/{tag}"],
        cwd=root, capture_output=True, text=True,
    )  # fmt: skip
    # ssh is the only kind: a signature of OpenPGP would count whoever is in the machine's keyring.
    if done.returncode or 'Good "git" signature for ' not in done.stdout + done.stderr:
        raise PolicyRefused(
            f"{tag} has no signature of somebody in {ALLOWED_SIGNERS}",
            f"Sign it: git tag --sign {tag}, with gpg.format ssh",
        )
    return version
