"""Whether the tag that decided is signed by somebody allowed, by the object that was read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from studio_action.errors import BadInput, PolicyRefused
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.signatures import openpgp, ssh, tag_object
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.gitrepo.signatures.settings import Settings, Signer
from studio_action.gitrepo.signatures.tag_object import TagObject, Unfit
from studio_action.model.signed_tag import SignatureKind, SignedTag
from studio_action.text import printable

_NAMES: dict[SignatureKind, str] = {"ssh": "OpenSSH", "gpg": "OpenPGP", "gitsign": "gitsign"}
_REMEDY = (
    "Have the version registered, or the stage assigned, by somebody in allowed-signers with a"
    " signed tag (docs/signing.md)"
)


@dataclass(slots=True)
class TagVerifier:
    """Checks tags against one requirement; `folder` is empty and lasts as long as this.

    The object of a tag goes into a repository of our own, which has nothing else in it, so that
    neither the configuration nor the objects of a stranger's matter.
    """

    requirement: TagSignature
    git: Git
    folder: Path
    _settings: Settings = field(init=False, repr=False)
    _verified: dict[TagRef, SignedTag] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raise `BadInput` where a program is missing or too old, or nobody could have signed."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._settings = self._make_settings()

    def verify(self, tag: TagRef, read: Callable[[str], bytes]) -> SignedTag:
        """Return who signed the tag; raise `PolicyRefused` if it is nobody allowed.

        `read` returns the content of a tag's object by its name.
        """
        if tag not in self._verified:
            self._verified[tag] = self._verify(tag, read)
        return self._verified[tag]

    def _verify(self, tag: TagRef, read: Callable[[str], bytes]) -> SignedTag:
        try:
            if not tag.annotated or not tag.object:
                raise Unfit("is a lightweight tag, which nobody can have signed")
            found = tag_object.parse(read(tag.object))
            self._check_header(tag, found)
            signer = self._signer(tag, found)
        except Unfit as error:
            raise PolicyRefused(f"tag {printable(tag.short_name, 200)} {error}", _REMEDY) from None
        return SignedTag(tag.short_name, self.requirement.kind, signer.name, signer.key)

    def _check_header(self, tag: TagRef, found: TagObject) -> None:
        if found.tag != tag.short_name.encode():
            made = printable(found.tag.decode("utf-8", "replace"), 200)
            raise Unfit(f"was made as tag {made}, and renamed since")
        if found.type != "commit":
            raise Unfit(f"is a tag of a {found.type}, not of a commit")
        if found.object != tag.revision:
            raise Unfit(f"is for commit {found.object[:7]}, not for {tag.revision[:7]}")
        if found.kind != self.requirement.kind:
            raise Unfit(
                f"has a signature of {_NAMES[found.kind]}, where one of"
                f" {_NAMES[self.requirement.kind]} is required"
            )

    def _signer(self, tag: TagRef, found: TagObject) -> Signer:
        repository = self._stored(tag.object, found.content)
        words = [
            word
            for key, value in (_NOTHING | dict(self._settings.configuration)).items()
            for word in ("-c", f"{key}={value}")
        ]
        done = self.git.completed(
            repository,
            *words,
            "verify-tag",
            "--raw",
            tag.object,
            variables={**self._variables(), **self._settings.variables},
        )
        said = done.stderr.decode("utf-8", "replace")
        return self._settings.read_signer(said, good=done.returncode == 0)

    def _stored(self, name: str, content: bytes) -> Path:
        """Put the object into a repository of our own; raise `Unfit` if it has another name."""
        algorithm = "sha1" if len(name) == 40 else "sha256"
        repository = self.folder / algorithm
        if not repository.exists():
            repository.mkdir()
            options = ("--quiet", "--bare", "--template=", f"--object-format={algorithm}")
            self.git.run_local(repository, "init", *options)
        words = ("hash-object", "-t", "tag", "-w", "--stdin")
        done = self.git.completed(repository, *words, stdin=content)
        if done.returncode or done.stdout.decode().strip() != name:
            raise Unfit("is not the object that its name says")
        return repository

    def _variables(self) -> dict[str, str]:
        """Return the environment, in which there is no home and no agent of anybody."""
        return {"HOME": str(self.folder), "TMPDIR": str(self.folder), "SSH_AUTH_SOCK": ""}

    def _make_settings(self) -> Settings:
        path = self.git.environ.get("PATH", os.defpath)
        match self.requirement.kind:
            case "ssh":
                self._check_git()
                return ssh.settings(self.requirement.signers, self.folder, path)
            case "gpg":
                return openpgp.settings(self.requirement.signers, self.folder, path)
            case "gitsign":
                raise BadInput("require-signed-tag: gitsign is not there yet")

    def _check_git(self) -> None:
        said = self.git.completed(self.folder, "version").stdout.decode("utf-8", "replace")
        found = re.search(r"(\d+)\.(\d+)", said)
        if found and tuple(map(int, found.groups())) < ssh.OLDEST_GIT:
            raise BadInput(
                f"git {found[0]} knows no signatures of OpenSSH",
                f"Install git {'.'.join(map(str, ssh.OLDEST_GIT))} or newer, or use the image",
            )


_NOTHING = {
    "gpg.program": "false",
    "gpg.openpgp.program": "false",
    "gpg.ssh.program": "false",
    "gpg.x509.program": "false",
    "gpg.minTrustLevel": "undefined",
}
"""What a kind of signatures that was not asked for is checked with."""
