"""Whether tags must be signed, and by whom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

from studio_action.errors import BadInput
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs, Value
from studio_action.inputs.signature import json_text
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import Workspace

if TYPE_CHECKING:
    from studio_action.gitrepo.signatures.requirement import TagSignature
    from studio_action.model.signed_tag import SignatureKind

_LARGEST = 4 << 20
"""Bytes of a list of signers, which may be a large keyring."""
_TEXT = re.compile(
    r"\s(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+\s+AAAA"  # a key of OpenSSH
    r"|-----BEGIN PGP "
    r"|\A\S+[ \t]+https?://\S+\s*$",  # an identity and its issuer
    re.MULTILINE,
)


def read_tag_signature(inputs: Inputs, workspace: Workspace) -> TagSignature | None:
    """Read inputs `require-signed-tag` and `allowed-signers`; None where none is required."""
    kind, signers = inputs["require-signed-tag"], inputs["allowed-signers"]
    chosen = parsers.choice(kind)
    if chosen == "none" and (kind.given or not signers.text):
        return None
    if chosen == "none":
        raise BadInput(
            "input allowed-signers says who may sign tags, but nothing requires a signature",
            "Give require-signed-tag as well",
        )

    from studio_action.gitrepo.signatures.requirement import TagSignature  # late: rarely required

    if not signers.text:
        raise BadInput(
            f"input require-signed-tag is {chosen}, but allowed-signers is missing",
            "Give allowed-signers: a file in the workspace, or its text",
        )
    trust = json_text(inputs["signature-trust-config"]) if chosen == "gitsign" else ""
    return TagSignature(cast("SignatureKind", chosen), _content(signers, workspace), trust)


def _content(signers: Value, workspace: Workspace) -> bytes:
    """Return the text itself, or the content of the file at a path."""
    if _TEXT.search(signers.text):
        return f"{signers.text}\n".encode()
    try:
        place = workspace.place(parsers.path(signers) or Path())
        return regular_files.read(place, _LARGEST)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise signers.refuse(f"cannot be read: {reason}", "Give a file, or its text") from error
