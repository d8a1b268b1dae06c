"""Makes pictures smaller: `python -m documentation.smaller PICTURE...`.

Text on a plain ground needs few colours: a palette of 128 makes a third of the bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

_COLOURS = 128


def main(paths: list[str]) -> None:
    """Write each picture anew, with a palette."""
    for path in map(Path, paths):
        picture = Image.open(path).convert("RGB")
        picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
