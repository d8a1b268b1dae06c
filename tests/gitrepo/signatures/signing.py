"""Real keys, tags signed by them, and forgeries, made with git, ssh-keygen and gpg."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.gitrepo.signatures.verifier import TagVerifier
from studio_action.model.signed_tag import SignatureKind, SignedTag
from tests.gitrepo.repositories import git, make_git


def _git_version() -> tuple[int, ...]:
    said = subprocess.run(["git", "version"], check=True, capture_output=True, text=True).stdout
    return tuple(map(int, re.findall(r"\d+", said)[:2]))


needs_ssh = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None or _git_version() < (2, 35),
    reason="needs ssh-keygen, and a git that tells it the date of a tag",
)
needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")

DATE = "2026-03-01T12:00:00+00:00"
"""When tags are made, unless a test says otherwise."""


@dataclass(frozen=True)
class SshKey:
    """A key of OpenSSH in a file."""

    file: Path

    @classmethod
    def make(cls, file: Path) -> SshKey:
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file))
        return cls(file)

    @property
    def public(self) -> str:
        return self.file.with_name(f"{self.file.name}.pub").read_text().strip()

    @property
    def fingerprint(self) -> str:
        return _run("ssh-keygen", "-lf", str(self.file)).split()[1]

    @property
    def options(self) -> list[str]:
        return ["-c", "gpg.format=ssh", "-c", f"user.signingkey={self.file}"]

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """The signature of anything, as a block of text."""
        words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(self.file)]
        return subprocess.run(words, input=payload, check=True, capture_output=True).stdout


def signed_tag(
    checkout: Path, name: str, options: Sequence[str], *, at: str = "HEAD", date: str = DATE
) -> str:
    """A signed tag, by Git itself; the name of its object."""
    git(checkout, *options, "tag", "-s", name, "-m", name, at, date=date)
    return git(checkout, "rev-parse", f"refs/tags/{name}")


def tag_payload(commit: str, name: str, kind: str = "commit", message: str = "a message") -> bytes:
    tagger = "Ada Example <ada@example.com> 1772366400 +0000"
    return f"object {commit}\ntype {kind}\ntag {name}\ntagger {tagger}\n\n{message}\n".encode()


def stored_tag(checkout: Path, name: str, content: bytes) -> str:
    """A tag with exactly this object; gives the name of the object."""
    made = subprocess.run(
        ["git", "-C", checkout, "hash-object", "-t", "tag", "-w", "--literally", "--stdin"],
        input=content,
        check=True,
        capture_output=True,
    )
    object_name = made.stdout.decode().strip()
    git(checkout, "update-ref", f"refs/tags/{name}", object_name)
    return object_name


@dataclass
class Judge:
    """Checks the tags of a checkout against one list of signers."""

    checkout: Path
    verifier: TagVerifier

    @classmethod
    def make(
        cls, checkout: Path, kind: SignatureKind, signers: bytes, folder: Path, **environ: str
    ) -> Judge:
        return cls(
            checkout, TagVerifier.open(TagSignature(kind, signers), make_git(**environ), folder)
        )

    def verify(self, name: str) -> SignedTag:
        with Repository.open(self.checkout, make_git()) as repository:
            (tag,) = (each for each in repository.tags() if each.name == name)
            return self.verifier.verify(tag, repository.tag_object)

    def verify_content(self, name: str, content: bytes, commit: str) -> SignedTag:
        """The same for content that is stored nowhere, under the name that it would have."""
        return self.verifier.verify(
            TagRef(name, commit, 0, True, object=object_name(content)), lambda _: content
        )


def object_name(content: bytes) -> str:
    import hashlib

    return hashlib.sha1(b"tag %d\0" % len(content) + content).hexdigest()


def _run(*words: str, **environ: str) -> str:
    done = subprocess.run(
        words,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **environ},
    )
    return done.stdout


@dataclass(frozen=True)
class Gpg:
    """GnuPG with a home of its own, whose agent ends with it; for a path that is short."""

    home: Path

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Gpg]:
        with tempfile.TemporaryDirectory(prefix="gpg-") as folder:
            gpg = cls(Path(folder))
            try:
                yield gpg
            finally:
                gpg._run("gpgconf", "--kill", "all")

    def make_key(self, address: str, expires: str = "never", date: str = "20260101T000000") -> str:
        """The fingerprint of a new key that signs."""
        words = (
            "--quick-gen-key",
            f"{address.split('@')[0].title()} <{address}>",
            "ed25519",
            "sign",
        )
        said = self.run(f"--faked-system-time={date}!", "--status-fd=1", *words, expires)
        return next(line.split()[3] for line in said.splitlines() if "KEY_CREATED" in line)

    def run(self, *words: str, stdin: str = "") -> str:
        options = ("--batch", "--quiet", "--no-tty", "--pinentry-mode=loopback", "--passphrase=")
        return self._run("gpg", *options, *words, stdin=stdin)

    def export(self, *keys: str) -> bytes:
        return self.run("--armor", "--export", *keys).encode()

    def revoked(self, key: str) -> bytes:
        """The public key with the revocation that gpg made beside it."""
        made = (self.home / f"openpgp-revocs.d/{key}.rev").read_text()
        with tempfile.TemporaryDirectory(prefix="gpg-") as folder:
            other = Gpg(Path(folder))
            other.run("--no-autostart", "--import", stdin=self.export(key).decode())
            other.run("--no-autostart", "--import", stdin=made.replace(":-----BEGIN", "-----BEGIN"))
            return other.run("--no-autostart", "--armor", "--export", key).encode()

    def tag(self, checkout: Path, name: str, key: str, *, at: str = "HEAD", time: str = "") -> str:
        """A tag signed by Git itself; the name of its object."""
        program = checkout.parent / "gpg-program"
        faked = f"--faked-system-time={time}! " if time else ""
        program.write_text(f'#!/bin/sh\nexec gpg --homedir {self.home} --batch {faked}"$@"\n')
        program.chmod(0o755)
        options = ["-c", f"gpg.program={program}", "-c", f"user.signingkey={key}!"]
        return signed_tag(checkout, name, options, at=at)

    def sign(self, payload: bytes, key: str, *options: str) -> bytes:
        words = ["gpg", "--batch", "--homedir", str(self.home), *options, "-abu", f"{key}!"]
        return subprocess.run(words, input=payload, check=True, capture_output=True).stdout

    def _run(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(
            words,
            input=stdin,
            env={"PATH": os.environ["PATH"], "GNUPGHOME": str(self.home), "LC_ALL": "C"},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout
