"""What a Git server is given to read a repository: a token, or a key that ssh finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Credential:
    """A token for the Git server at `origin`, a scheme and host such as `https://github.com`."""

    origin: str
    token: str = field(repr=False)

    @property
    def user(self) -> str:
        """The user name that goes with the token; some servers want one of their own.

        GitLab tells a job token by it, Bitbucket an access token; GitHub's is the documented one
        and others take any. `user:password` names its own.
        """
        user, colon, _ = self.token.partition(":")
        if colon:
            return user
        if self.token.startswith("glcbt-"):
            return "gitlab-ci-token"
        if "gitlab" in self.origin:
            return "oauth2"
        return "x-token-auth" if "bitbucket" in self.origin else "x-access-token"

    @property
    def password(self) -> str:
        """What is sent beside the user name."""
        return self.token.partition(":")[2] or self.token


def has_ssh_key(environ: Mapping[str, str]) -> bool:
    """Return whether ssh would find a key: an agent's, the user's own, or one of the job's."""
    if environ.get("SSH_AUTH_SOCK") or environ.get("GIT_SSH_COMMAND"):
        return True
    home = environ.get("HOME", "")
    return bool(home) and any(Path(home, ".ssh").glob("id_*"))
