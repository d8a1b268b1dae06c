"""What git's error messages mean, as errors of ours. Pure."""

from __future__ import annotations

import re

from studio_action.errors import (
    NoSuchModel,
    StudioActionError,
    TokenRefused,
    Unreachable,
    WorkspaceRefused,
)

_ACCESS_REFUSED = re.compile(
    r"Authentication failed|could not read (Username|Password)|Access denied|Permission denied"
    r"|returned error: 40[13]\b|Invalid (username|credentials)|[Ff]orbidden"
)
_UNKNOWN_HOST = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION")
_NO_REPOSITORY = re.compile(
    r"not found|not appear to be a git repository|does not exist|returned error: 404"
    r"|could not be found"
)
_BAD_CERTIFICATE = re.compile(r"certificate|CAfile|SSL_ERROR", re.IGNORECASE)
_DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_UNADVERTISED = re.compile(r"not allow request for unadvertised object|not our ref")


class BrokenRepository(Unreachable):
    """A repository of this machine cannot be read, or lacks what it should have."""


class UnadvertisedObject(Unreachable):
    """The server gives no objects by their names, as those before protocol 2 do not."""


def error_for(url: str, said: str) -> StudioActionError:
    """Return what git's complaint about the repository at `url` means; a hint: asking again is no
    use.
    """
    if _UNADVERTISED.search(said):
        return UnadvertisedObject(f"{url} cannot send single files", "Use a server with protocol 2")
    if _DISK_FULL.search(said):
        return WorkspaceRefused(f"{url} cannot be fetched: {said}", "Free some space")
    if _UNKNOWN_HOST.search(said):
        return Unreachable(
            f"ssh does not know the host of {url}",
            "Add its key to known_hosts, e.g. with ssh-keyscan, or use an https address",
        )
    if _ACCESS_REFUSED.search(said):
        return TokenRefused(
            f"access to {url} was refused: {said}",
            "Check repo, and give a git-token or an SSH key that can read it",
        )
    if _BAD_CERTIFICATE.search(said):
        return Unreachable(
            f"{url} cannot be reached: {said}",
            "If your own certificate authority signed its certificate, give it as `ca-bundle`",
        )
    if _NO_REPOSITORY.search(said):
        return NoSuchModel(
            f"there is no repository at {url}: {said}",
            "Check repo, and that git-token may read it: servers hide private repositories",
        )
    return Unreachable(f"{url} cannot be reached: {said}")
