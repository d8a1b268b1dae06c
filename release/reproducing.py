"""The same input makes the same image: shown by building both images twice, from scratch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from release.building import Source, build, local_base
from studio_action.errors import ContentMismatch


def check(root: Path, targets: tuple[str, ...] = ("", "server")) -> Iterator[str]:
    """Yield a line for each target; raise `ContentMismatch` if two builds differ.

    The same input is: the commit, the base image, and what Debian's archive and the package index
    answered. The id is the digest of the configuration, which names each layer's content.
    """
    base = local_base((root / "Dockerfile").read_text("utf-8"))
    source = Source.head_of(root, "https://reproduced.invalid")
    for target in targets:
        first, second = build(source, target, base), build(source, target, base)
        if first != second:
            raise ContentMismatch(f"two builds of {target or 'the step'} differ: {first}, {second}")
        yield f"{target or 'step'}: {first}, twice"
