"""The same input makes the same image: shown by building each image twice, from scratch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from release.building import Source, build, local_base
from release.images import RECIPES, Recipe
from studio_action.errors import ContentMismatch


def check(root: Path, recipes: Mapping[str, Recipe] = RECIPES) -> Iterator[str]:
    """Yield a line for each image; raise `ContentMismatch` if two builds differ.

    The same input is: the commit, the base image, and what Debian's archive and the package index
    answered. The id is the digest of the configuration, which names each layer's content.
    """
    base = local_base((root / "Dockerfile").read_text("utf-8"))
    source = Source.head_of(root, "https://reproduced.invalid")
    for key, recipe in recipes.items():
        first, second = build(source, recipe, base), build(source, recipe, base)
        if first != second:
            raise ContentMismatch(f"two builds of {key} differ: {first}, {second}")
        yield f"{key}: {first}, twice"
