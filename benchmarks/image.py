"""`python -m benchmarks.image BASE IMAGE…`: what a runner that has the base pulls of each image."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

_MEGABYTE = 1_000_000
_BLOCK = 1 << 20


def pulled(image: str, base: str, scratch: Path) -> int:
    """Return the bytes of the layers over the base, compressed as a registry has them.

    `scratch` is a folder for a copy of the image.
    """
    beneath = len(_layers(base))
    saved = scratch / "image.tar"
    _docker("save", f"--output={saved}", image)
    try:
        with tarfile.open(saved) as archive:
            (entry,) = json.loads(_content(archive, "manifest.json"))
            return sum(_compressed(archive, name) for name in entry["Layers"][beneath:])
    finally:
        saved.unlink()


def _layers(image: str) -> list[str]:
    layers: list[str] = json.loads(
        _docker("image", "inspect", "--format={{json .RootFS.Layers}}", image)
    )
    return layers


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()


def _compressed(archive: tarfile.TarFile, name: str) -> int:
    layer, compressor, total = archive.extractfile(name), zlib.compressobj(6), 0
    assert layer is not None
    while block := layer.read(_BLOCK):
        total += len(compressor.compress(block))
    return total + len(compressor.flush())


def main(argv: Sequence[str]) -> int:
    """Print a row for each image."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.image", description=__doc__)
    parser.add_argument("base")
    parser.add_argument("images", nargs="+", metavar="image")
    options = parser.parse_args(argv)
    print("| image | over its base, MB compressed |\n|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for image in options.images:
            size = pulled(image, options.base, Path(scratch)) / _MEGABYTE
            print(f"| {image} | {size:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
