"""Whether the tag that decided is signed by somebody allowed, by the object that was read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from studio_action.errors import BadInput, PolicyRefused
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.signatures import tag_object
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.gitrepo.signatures.settings import Signer
from studio_action.gitrepo.signatures.tag_object import TagObject, Unfit
from studio_action.gitrepo.signatures.verify_tag import VerifyTag
from studio_action.model.signed_tag import SignatureKind, SignedTag
from studio_action.text import printable

_NAMES: dict[SignatureKind, str] = {"ssh": "OpenSSH", "gpg": "OpenPGP", "gitsign": "gitsign"}
_REMEDY = (
    "Have the version registered, or the stage assigned, by somebody in allowed-signers with a"
    " signed tag (docs/signing.md)"
)


class SignatureCheck(Protocol):
    """Checks one kind of signatures."""

    def signer(self, tag: TagObject) -> Signer:
        """Return who signed the tag; raise `Unfit` if that is nobody allowed."""
        ...


@dataclass(frozen=True, slots=True)
class TagVerifier:
    """Checks tags: that they are what the repository says, and then their signatures."""

    kind: SignatureKind
    check: SignatureCheck
    _verified: dict[TagRef, SignedTag] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def open(cls, requirement: TagSignature, git: Git, folder: Path) -> TagVerifier:
        """Return what checks tags as `requirement` asks; `folder` is empty, and lasts as long.

        Raises `BadInput` where a program or library is missing or too old, or nobody could sign.
        """
        folder.mkdir(mode=0o700, exist_ok=True)
        return cls(requirement.kind, _check(requirement, git, folder))

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
            content = read(tag.object)
            _check_name(tag, content)
            found = tag_object.parse(content)
            self._check_header(tag, found)
            signer = self.check.signer(found)
        except Unfit as error:
            raise PolicyRefused(f"tag {printable(tag.short_name, 200)} {error}", _REMEDY) from error
        return SignedTag(tag.short_name, self.kind, signer.name, signer.key)

    def _check_header(self, tag: TagRef, found: TagObject) -> None:
        if found.tag != tag.short_name.encode():
            made = printable(found.tag.decode("utf-8", "replace"), 200)
            raise Unfit(f"was made as tag {made}, and renamed since")
        if found.type != "commit":
            raise Unfit(f"is a tag of a {found.type}, not of a commit")
        if found.object != tag.revision:
            raise Unfit(f"is for commit {found.object[:7]}, not for {tag.revision[:7]}")
        if found.kind != self.kind:
            raise Unfit(
                f"has a signature of {_NAMES[found.kind]}, where one of {_NAMES[self.kind]} is"
                " required"
            )


def _check_name(tag: TagRef, content: bytes) -> None:
    """Raise `Unfit` unless `content` is that of the very object that the tag's reference names."""
    digest = hashlib.new("sha1" if len(tag.object) == 40 else "sha256", usedforsecurity=False)
    digest.update(b"tag %d\0" % len(content))
    digest.update(content)
    if digest.hexdigest() != tag.object:
        raise Unfit("is not the object that its name says")


def _check(requirement: TagSignature, git: Git, folder: Path) -> SignatureCheck:
    if requirement.kind != "gitsign":
        return VerifyTag(requirement, git, folder)
    try:
        from studio_action.gitrepo.signatures.gitsign import Gitsign
    except ModuleNotFoundError as error:
        raise BadInput(
            "require-signed-tag: gitsign needs packages that are not installed:"
            f" {error.name} is missing",
            "Install studio-action[signing], or use the image, which has it",
        ) from error
    return Gitsign(requirement.signers, requirement.trust, folder)
