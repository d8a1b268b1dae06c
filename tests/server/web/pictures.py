"""Pictures of pages that are kept, and how alike a new one is.

A picture is made small before it is kept or compared, so that what counts is where things are and
how light they are. Fonts that differ a little, or a line more, make no difference.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter, ImageStat

WIDTH = 240
"""The width of a kept picture, in pixels."""
MOST_TALLER = 0.08
"""By which part of its height a page may grow or shrink."""
MOST_DIFFERENCE = 6.0
"""Of 255: how much two pictures may differ on average."""
_BLUR = 3


@dataclass(frozen=True)
class Likeness:
    """How a picture differs from the kept one: its height in parts, its pixels on average."""

    taller: float
    difference: float

    @property
    def is_close(self) -> bool:
        return self.taller <= MOST_TALLER and self.difference <= MOST_DIFFERENCE


def reduced(png: bytes) -> Image.Image:
    """The picture as it is kept."""
    whole = Image.open(io.BytesIO(png)).convert("RGB")
    return whole.resize((WIDTH, max(1, round(whole.height * WIDTH / whole.width))))


def keep(png: bytes, place: Path) -> None:
    """Keep a picture, in few colors."""
    place.parent.mkdir(exist_ok=True)
    reduced(png).quantize(64).save(place, optimize=True)


def compare(png: bytes, kept: Path) -> Likeness:
    """How alike a picture is to the kept one, both blurred and of one height."""
    before = Image.open(kept).convert("RGB")
    after = reduced(png)
    taller = abs(after.height - before.height) / before.height
    height = min(before.height, after.height)
    both = (each.crop((0, 0, WIDTH, height)) for each in (before, after))
    blurred = [each.filter(ImageFilter.GaussianBlur(_BLUR)) for each in both]
    means = ImageStat.Stat(ImageChops.difference(*blurred)).mean
    return Likeness(taller, max(means))
