"""What a release's tree holds where the source's names an image to build, or one by tag. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from release.versions import Version
from studio_action.errors import BadInput

PINNED = (
    "action.yml",
    ".gitlab-ci-template.yml",
    "templates/",
    "integrations/",
    "charts/",
    "examples/",
)
"""The files and folders in which a release names images by digest."""

_BUILT = re.compile(r"^(  image: )Dockerfile$", re.MULTILINE)
_REFERENCE = re.compile(r"[\w.:/-]+@sha256:[0-9a-f]{64}", re.ASCII)


def rendered(name: str, text: str, version: Version, images: Mapping[str, str], step: str) -> str:
    """Return the text of the file `name` in the release.

    `images` are the references by digest, of images without a tag; `step` is the one that the
    GitHub action runs.
    """
    for reference in images.values():
        check_reference(reference)
    if name == "action.yml":
        return _action(text, images[step])
    if not name.startswith(PINNED):
        return text
    by_tag = {f"{image}:{version}": reference for image, reference in images.items()}
    longest_first = sorted(by_tag, key=len, reverse=True)
    found = re.compile(rf"(?<![\w./-])({'|'.join(map(re.escape, longest_first))})(?![\w.-])")
    return found.sub(lambda match: by_tag[match[1]], text)


def check_reference(text: str) -> None:
    """Raise `BadInput` for what is not an image by digest."""
    if not _REFERENCE.fullmatch(text):
        raise BadInput(f"{text!r} is not an image by digest", "Write HOST/PATH@sha256:…")


def _action(text: str, reference: str) -> str:
    pinned, count = _BUILT.subn(rf"\g<1>docker://{reference}", text)
    if count != 1:
        raise BadInput("action.yml does not say `image: Dockerfile` once", "Restore its `runs:`")
    return pinned
