"""Where policy files are read: the default branch of a repository, or a file of the job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio_action.errors import BadInput, UnexpectedAnswer

if TYPE_CHECKING:
    from studio_action.gitrepo.git.revision import Revision
    from studio_action.policy.rules import PolicyFile

NAME = ".studio-action.yml"
_MISSPELT = ".studio-action.yaml"


def read_committed(revision: Revision) -> PolicyFile | None:
    """Return the policy in the top folder of a commit; None where there is none.

    Raises `BadInput` for one that cannot be read as one, and what reading a repository raises.
    """
    content = read_content(revision)
    return None if content is None else parse(content, NAME, revision.revision)


def read_content(revision: Revision) -> bytes | None:
    """Return what is in the policy file of a commit; raises as `read_committed` does."""
    top = revision.listing("")
    called = f"{NAME} at {revision.revision[:7]}"
    if _MISSPELT in top:
        raise BadInput(f"{_MISSPELT} at {revision.revision[:7]} is ignored", f"Rename it to {NAME}")
    entry = top.get(NAME)
    if entry is None:
        return None

    from studio_action.policy.rules import LARGEST  # late: most repositories have no policy

    if not entry.is_file:
        raise BadInput(
            f"{called} is not a regular file", "Commit the file itself, not a link to it"
        )
    try:
        return revision.read_one(NAME, LARGEST)
    except UnexpectedAnswer:
        raise BadInput(f"{called} has more than {LARGEST:,} bytes", "Shorten it") from None


def read_file(path: Path, shown: str) -> PolicyFile:
    """Return the policy in a file of this machine; raise `BadInput` if it is none.

    `shown` is what it is called in messages. Raises `OSError` where it cannot be read.
    """
    from studio_action.policy.rules import LARGEST

    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    return parse(content, shown, "")


def parse(content: bytes, path: str, revision: str) -> PolicyFile:
    """Return the policy in `content`; raise `BadInput` if it is none."""
    from studio_action.policy import document  # late: most repositories have no policy

    return document.parse(content, path, revision)
