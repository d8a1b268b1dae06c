"""The git program as its user runs it: with their identity, signing key and credentials.

Only for what is made in their name, in a repository of our own that borrows the objects of their
checkout. So nothing that a checkout brings is run: no hook, and no program that its configuration
names. Of that configuration only plain data is taken over: the identity and the signing key.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from studio_action.errors import BadInput, StudioActionError, Unreachable
from studio_action.gitrepo.git.failures import error_for
from studio_action.net.clock import Limits
from studio_action.text import printable

_TAKEN_OVER = ("user.name", "user.email", "user.signingkey", "tag.gpgsign", "gpg.format")
_TRANSPORTS = "file:https:http:ssh"
_LONGEST_SECONDS = 600.0
"""A person may have to enter a passphrase."""


@dataclass(frozen=True, slots=True)
class PersonalGit:
    """Runs git in `folder`, which is ours, for the user of the checkout at `checkout`."""

    folder: Path
    checkout: Path
    limits: Limits
    environ: Mapping[str, str] = field(repr=False)

    def setting(self, name: str) -> str:
        """Return a setting as it is in the checkout; '' for none."""
        done = self._run(self.checkout, "config", "--get", name)
        return done.stdout.decode("utf-8", "replace").strip()

    def push_url(self, remote: str) -> str:
        """Return where the checkout's remote is pushed to, '' without such a remote."""
        done = self._run(self.checkout, "remote", "get-url", "--push", "--", remote)
        if done.returncode:
            return ""
        url = done.stdout.decode("utf-8", "replace").strip()
        if url.startswith("-"):
            raise BadInput(f"the URL of the remote {remote} begins with a dash")
        place = self.checkout / url  # a folder may be named relative to the checkout
        return str(place.resolve()) if place.is_dir() else url

    def prepare(self) -> None:
        """Make the repository in `folder`, with the objects of the checkout."""
        self._run(self.folder, "init", "--quiet", "--bare", "--template=")
        objects = self._run(self.checkout, "rev-parse", "--git-path", "objects").stdout
        place = self.checkout / os.fsdecode(objects.strip())
        alternates = self.folder / "objects/info/alternates"
        alternates.parent.mkdir(parents=True, exist_ok=True)
        alternates.write_bytes(os.fsencode(place.resolve()) + b"\n")

    def fetch_tags(self, url: str) -> None:
        """Fetch all tags of `url`; raise what `error_for` makes of a failure."""
        words = ("fetch", "--quiet", "--no-tags", url)
        self._over_network(url, *words, "+refs/tags/*:refs/tags/*")

    def tag(self, name: str, revision: str, message: str, when: int, *, sign: bool) -> None:
        """Make an annotated tag at `when`, in seconds since 1970; `sign` it, or as is configured.

        Raises `BadInput` if git does not: without an identity, or a key.
        """
        words = ["tag", "--annotate", "--file=-", *(["--sign"] if sign else []), "--", name]
        made = {"GIT_COMMITTER_DATE": f"{when} +0000"}
        done = self._run(
            self.folder, *self._identity(), *words, revision, variables=made, stdin=message.encode()
        )
        if done.returncode:
            raise BadInput(
                f"git cannot make the tag {name}: {_said(done)}",
                "Set user.name and user.email with `git config`, and user.signingkey to sign",
            )

    def push(self, url: str, name: str) -> None:
        """Push the tag, which must not be there yet; raise `Unreachable` if it is."""
        ref = f"refs/tags/{name}"
        lease = f"--force-with-lease={ref}:"
        self._over_network(url, "push", "--quiet", "--no-verify", lease, url, f"{ref}:{ref}")

    def _over_network(self, url: str, *words: str) -> None:
        done = self._run(self.folder, *words)
        if done.returncode == 0:
            return
        said = _said(done)
        if "stale info" in said or "already exists" in said or "rejected" in said:
            raise Unreachable(f"the tag was not pushed: {said}", "Run the command again")
        raise error_for(_shown(url), said)

    def _identity(self) -> Iterator[str]:
        for name in _TAKEN_OVER:
            if text := self.setting(name):
                yield from ("-c", f"{name}={text}")

    def _run(
        self,
        folder: Path,
        *words: str,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {
            **self.environ,
            "LC_ALL": "C",
            "GIT_ALLOW_PROTOCOL": _TRANSPORTS,
            "GIT_NO_REPLACE_OBJECTS": "1",
            **(variables or {}),
        }
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
            environment.pop(name, None)
        seconds = min(self.limits.deadline.remaining(), _LONGEST_SECONDS)
        try:
            return subprocess.run(
                ["git", "-c", f"core.hooksPath={os.devnull}", "-C", str(folder), *words],
                env=environment,
                input=stdin,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError as error:
            raise BadInput("the program git is not installed", "Install it") from error
        except subprocess.TimeoutExpired:
            self.limits.deadline.check()
            raise Unreachable(f"git {words[0]} took too long") from None


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Say in an error that concerns the network what was not done."""
    try:
        yield
    except StudioActionError as error:
        raise type(error)(f"{what}: {error.message}", error.hint) from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    return printable("; ".join(line.strip() for line in lines if line.strip()), 500)


def _shown(url: str) -> str:
    from studio_action.text import redact

    return redact(url) or "the remote"
