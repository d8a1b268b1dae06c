"""What a pipeline had before, and whether content changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio_action.errors import BadInput
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs
from studio_action.model.digest import Digest
from studio_action.net import bounded_json
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Previous:
    """What a pipeline had before: `digest` as outputs give it, '' if it is the first run."""

    digest: str

    def changed(self, digest: str) -> bool:
        """Return whether content with this digest is other content; true if a digest is unknown."""
        return not digest or digest != self.digest


def previous_digest(text: str) -> Previous:
    """Read input `previous-digest`; raise `BadInput` for what no output `digest` can have been."""
    try:
        return Previous(str(Digest.parse(text)))
    except ValueError as error:
        raise BadInput(
            f"input previous-digest: {text!r} is not a digest", "Give an earlier output digest"
        ) from error


def previous_manifest(read: Callable[[], bytes], name: str) -> Previous:
    """Read input `previous-manifest`, whose content `read` gives; none is there on a first run."""
    try:
        found = bounded_json.read(read())
        return Previous(str(found["digest"]))
    except FileNotFoundError:
        return Previous("")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"input previous-manifest: {name!r} is not the manifest of an earlier download",
            "Give what an earlier output manifest names",
        ) from error


def read_previous(inputs: Inputs, workspace: Workspace) -> Previous | None:
    """Read inputs `previous-digest` and `previous-manifest`; None where neither is given."""
    digest, manifest = inputs["previous-digest"].text, parsers.path(inputs["previous-manifest"])
    if digest:
        return previous_digest(digest)
    if manifest is None:
        return None
    place = workspace.place(manifest)
    return previous_manifest(lambda: regular_files.read(place, bounded_json.LARGEST), str(manifest))
