"""What every remote answers: where an object can be had, and by which key it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.gitrepo.dvc.artifacts import TrackedFile
from studio_action.text import printable

LIFETIME = timedelta(hours=1)
"""How long a URL that is signed here is good; Studio's live as long."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of an object are: a URL, which is a secret, and header lines to send.

    A `file:` URL is a file of this machine. `tls_verify` is as `artifact.RemoteFile` has it.
    """

    url: str = field(repr=False)
    headers: tuple[str, ...] = field(default=(), repr=False)
    tls_verify: bool | Path = True


class Remote(Protocol):
    """A storage that a DVC repository names as a remote; several threads may ask one."""

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return where the object at `key`, relative to the remote's URL, can be had from `now` on.

        `version_id` is the storage's own version of the object, '' for the newest. Raises
        `BadInput` or `Unreachable` where its URL cannot be signed.
        """
        ...


def key_of(stored: TrackedFile, *, worktree: bool, folder: bool = False) -> str:
    """Return the key of a file below the remote's URL (dvc-data, `hashfile/db` and
    `data_cloud.py`).

    By content as DVC 3 or DVC 2 lays it out; or the file's own path, where the storage keeps
    versions of it, and on a remote that is a `worktree`. Raises `UnexpectedAnswer` for a path that
    is outside of the remote, and on a `folder` of this machine for any: who names the folder may be
    a stranger, and any file of this machine may have that name.
    """
    if folder and (stored.version_id or worktree or stored.digest is None):
        raise UnexpectedAnswer(
            f"{printable(stored.path, 300)!r} is in a local remote, which stores it by name or"
            " version instead of by digest",
            "Use a local remote without worktree and version_id",
        )
    if stored.version_id or worktree:
        if stored.path.startswith("../"):
            raise UnexpectedAnswer(
                f"{printable(stored.path, 300)!r} is outside of its remote's folder"
            )
        return stored.path
    if stored.digest is None:
        raise UnexpectedAnswer(
            f"DVC's files have neither a digest nor a version of {printable(stored.path, 300)!r}"
        )
    top = "files/md5/" if stored.digest.algorithm == "md5" else ""
    return f"{top}{stored.digest.hex[:2]}/{stored.digest.hex[2:]}"


def check_address(remote: str, url: str) -> None:
    """Raise `BadInput` where the address of a remote is none: no host, or no port."""
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0:
            return
    except ValueError:
        pass
    raise BadInput(
        f"the address of the remote {printable(remote, 100)!r} is not valid", "Correct its url"
    )


def needs_extra(remote: str, extra: str, *, in_image: bool = True) -> BadInput:
    """Return the error for a remote whose library is not installed."""
    return BadInput(
        f"the remote {remote!r} needs packages that are not installed",
        f"Install studio-action[{extra}]" + (", or use the image, which has it" * in_image),
    )
