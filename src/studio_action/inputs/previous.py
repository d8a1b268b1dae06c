"""What a pipeline had before, and whether content changed since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from studio_action.errors import BadInput
from studio_action.inputs import parsers
from studio_action.inputs.lookup import Inputs
from studio_action.model.digest import Digest
from studio_action.net import bounded_json
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Previous:
    """What a pipeline had before: `digest` as outputs give it, '' if it is the first run.

    `manifest` is the content of the earlier manifest, where that was given.
    """

    digest: str
    manifest: bytes = field(default=b"", repr=False, compare=False)

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
    content = b""

    def kept() -> bytes:
        nonlocal content
        content = read()
        return content

    found = read_manifest("previous-manifest", kept, name, ("digest",))
    return Previous(found["digest"] if found else "", content)


def read_manifest(
    of_input: str, read: Callable[[], bytes], name: str, wanted: Sequence[str]
) -> dict[str, str] | None:
    """Return the `wanted` texts of the manifest that an input names; None if there is no file.

    Raises `BadInput` for what cannot be read, and for what has not all of them.
    """
    try:
        found = bounded_json.read(read())
        return {each: _text(found[each]) for each in wanted}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"input {of_input}: {name!r} is not the manifest of an earlier download",
            "Give what an earlier output manifest names",
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def read_previous(inputs: Inputs, workspace: Workspace) -> Previous | None:
    """Read inputs `previous-digest` and `previous-manifest`; None where neither is given."""
    digest, manifest = inputs["previous-digest"].text, parsers.path(inputs["previous-manifest"])
    if digest:
        return previous_digest(digest)
    return previous_manifest(reader(manifest, workspace), str(manifest)) if manifest else None


def reader(manifest: Path, workspace: Workspace) -> Callable[[], bytes]:
    """Return what reads the manifest that an input names; `WorkspaceRefused` if it lies outside."""
    place = workspace.place(manifest)
    return lambda: regular_files.read(place, bounded_json.LARGEST)
