"""Signatures by keys of OpenSSH: `git verify-tag` with `ssh-keygen -Y`.

Principals, validity and namespaces are in Git's `gpg.ssh.allowedSignersFile`, whose format is
`ssh-keygen`'s (ALLOWED SIGNERS in https://man.openbsd.org/ssh-keygen.1). Git says the tagger's date
as the time of the signature, since 2.35.
"""

from __future__ import annotations

import re
from pathlib import Path

from studio_action.errors import BadInput
from studio_action.gitrepo.signatures import unknown_user
from studio_action.gitrepo.signatures.settings import Settings, Signer, program
from studio_action.gitrepo.signatures.tag_object import Unfit
from studio_action.text import printable

OLDEST_GIT = (2, 34)
"""The first that knows signatures of OpenSSH."""

_GOOD = re.compile(
    r'Good "git" signature for (?P<principal>.+) with \S+ key (?P<key>SHA256:[A-Za-z0-9+/]+)'
)
_STRANGER = re.compile(r'Good "git" signature with \S+ key (?P<key>SHA256:[A-Za-z0-9+/]+)')
_TOO_OLD = re.compile(r"unknown option|illegal option|invalid option|Unsupported operation")
_SIGNER = re.compile(r"\S.*\s(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+\s+AAAA[A-Za-z0-9+/=]+(?:\s.*)?")


def check_signers(signers: bytes) -> None:
    """Raise `BadInput` where a line is no allowed signer, or there is none."""
    text = signers.decode("utf-8", "replace")
    lines = [line for line in map(str.strip, text.splitlines()) if line and line[0] != "#"]
    for line in lines:
        if not _SIGNER.fullmatch(line):
            raise BadInput(
                f"allowed-signers has a line that names no key: {printable(line, 80)!r}",
                'A line is an e-mail address, options such as namespaces="git" and a public key:'
                " alice@example.com ssh-ed25519 AAAA…",
            )
    if not lines:
        raise BadInput("allowed-signers names nobody", "Name at least one public key")


def settings(signers: bytes, folder: Path, path: str) -> Settings:
    """Return how git is to check such signatures; `folder` is for the list of who may sign."""
    check_signers(signers)
    allowed = folder / "allowed-signers"
    allowed.write_bytes(signers)
    return Settings(
        {
            "gpg.format": "ssh",
            "gpg.ssh.program": program("ssh-keygen", path, "OpenSSH 8.2 or newer"),
            "gpg.ssh.allowedSignersFile": str(allowed),
        },
        read_signer,
        unknown_user.variables(folder),
    )


def read_signer(said: str, *, good: bool) -> Signer:
    """Return who signed, by what git said; raise `Unfit` if it is nobody who may.

    `good` is whether git was content.
    """
    if _TOO_OLD.search(said):
        raise BadInput(
            "this ssh-keygen is too old to check signatures",
            "Install OpenSSH 8.2 or newer (8.7 for git 2.35 and newer), or use the image",
        )
    found = [match for line in said.splitlines() if (match := _GOOD.fullmatch(line))]
    if good and len(found) == 1:
        return Signer(printable(found[0]["principal"], 200), found[0]["key"])
    stranger = _STRANGER.search(said)
    if stranger:
        raise Unfit(
            f"is signed by key {stranger['key']}, which allowed-signers does not have, or not for"
            " Git's tags at that date"
        )
    raise Unfit(
        "has a signature that does not match the tag, or that is not for Git's tags:"
        f" {_shown(said)}"
    )


def _shown(said: str) -> str:
    """Return what git said, without the folder that the list of signers is in meanwhile."""
    return printable(re.sub(r"\S*/allowed-signers", "allowed-signers", said), 300) or "it is void"
