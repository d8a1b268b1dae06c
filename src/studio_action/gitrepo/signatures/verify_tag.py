"""`git verify-tag`, in a repository of our own that has nothing but the tag.

So neither the configuration nor the objects of a stranger's repository matter, nor the keys, the
agents and the configuration of the user.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from studio_action.errors import BadInput
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.signatures import openpgp, ssh
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.gitrepo.signatures.settings import Settings, Signer
from studio_action.gitrepo.signatures.tag_object import TagObject, Unfit

_NOTHING = {
    "gpg.program": "false",
    "gpg.openpgp.program": "false",
    "gpg.ssh.program": "false",
    "gpg.x509.program": "false",
    "gpg.minTrustLevel": "undefined",
}
"""What a kind of signatures that was not asked for is checked with."""


class VerifyTag:
    """Checks signatures of OpenSSH or OpenPGP; `folder` lasts as long as this."""

    def __init__(self, requirement: TagSignature, git: Git, folder: Path) -> None:
        """Raise `BadInput` where a program is missing or too old, or nobody could have signed."""
        self._git, self._folder = git, folder
        self._settings = self._make_settings(requirement)

    def signer(self, tag: TagObject) -> Signer:
        """Return who signed the tag; raise `Unfit` if that is nobody allowed."""
        repository, name = self._store(tag)
        settings = _NOTHING | dict(self._settings.configuration)
        words = (word for key, value in settings.items() for word in ("-c", f"{key}={value}"))
        nobody = {"HOME": str(self._folder), "TMPDIR": str(self._folder), "SSH_AUTH_SOCK": ""}
        variables = {**nobody, **self._settings.variables}
        done = self._git.completed(
            repository, *words, "verify-tag", "--raw", name, variables=variables
        )
        said = done.stderr.decode("utf-8", "replace")
        return self._settings.read_signer(said, good=done.returncode == 0)

    def _store(self, tag: TagObject) -> tuple[Path, str]:
        """Put the tag into a repository of our own; return that, and the object's name."""
        algorithm = "sha1" if len(tag.object) == 40 else "sha256"
        repository = self._folder / algorithm
        if not repository.exists():
            repository.mkdir()
            options = ("--quiet", "--bare", "--template=", f"--object-format={algorithm}")
            self._git.run_local(repository, "init", *options)
        words = ("hash-object", "-t", "tag", "-w", "--stdin")
        done = self._git.completed(repository, *words, stdin=tag.content)
        if done.returncode:
            raise Unfit("is not a tag that Git would make")
        return repository, done.stdout.decode().strip()

    def _make_settings(self, requirement: TagSignature) -> Settings:
        path = self._git.environ.get("PATH", os.defpath)
        if requirement.kind == "ssh":
            self._check_git()
            return ssh.settings(requirement.signers, self._folder, path)
        return openpgp.settings(requirement.signers, self._folder, path)

    def _check_git(self) -> None:
        said = self._git.completed(self._folder, "version").stdout.decode("utf-8", "replace")
        found = re.search(r"(\d+)\.(\d+)", said)
        if found and tuple(map(int, found.groups())) < ssh.OLDEST_GIT:
            raise BadInput(
                f"git {found[0]} knows no signatures of OpenSSH",
                f"Install git {'.'.join(map(str, ssh.OLDEST_GIT))} or newer, or use the image",
            )
