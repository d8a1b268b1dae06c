"""The packages in an image, read from its layers: nothing of it is run."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Any, Literal

Kind = Literal["pypi", "deb"]
_METADATA = re.compile(r"(?:^|/)(?:site-packages)/[^/]+\.dist-info/METADATA$")
# One file of all packages, as dpkg has it, and one a package, as images without dpkg have it:
# https://github.com/GoogleContainerTools/distroless
_DPKG = re.compile(r"^var/lib/dpkg/(?:status|status\.d/[^/]+)$")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One installed package; `licence` is what a Python package itself says."""

    kind: Kind
    name: str
    version: str
    architecture: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class ImageContents:
    """What an OCI layout's one image holds."""

    labels: dict[str, str]
    architecture: str
    packages: tuple[Package, ...]

    @classmethod
    def read(cls, layout: Path) -> ImageContents:
        """Return the contents of the image in the OCI layout `layout`."""
        manifest = _blob(layout, _one(json.loads((layout / "index.json").read_text())["manifests"]))
        config = _blob(layout, manifest["config"])
        files: dict[str, str] = {}
        for layer in manifest["layers"]:
            _apply(files, _path(layout, layer))
        packages = {found for name, text in files.items() for found in _packages(name, text)}
        return cls(
            config["config"].get("Labels") or {}, config["architecture"], tuple(sorted(packages))
        )


def _one(items: list[dict[str, Any]]) -> dict[str, Any]:
    (item,) = items
    return item


def _path(layout: Path, descriptor: dict[str, Any]) -> Path:
    algorithm, _, digest = str(descriptor["digest"]).partition(":")
    return layout.joinpath("blobs", algorithm, digest)


def _blob(layout: Path, descriptor: dict[str, Any]) -> Any:
    return json.loads(_path(layout, descriptor).read_bytes())


def _apply(files: dict[str, str], layer: Path) -> None:
    """Put a layer's files that describe packages over those of the layers below."""
    with tarfile.open(layer) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            path = PurePosixPath(name)
            # https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
            if path.name.startswith(".wh."):
                gone = (
                    str(path.parent)
                    if path.name == ".wh..wh..opq"
                    else str(path.with_name(path.name.removeprefix(".wh.")))
                )
                for known in [it for it in files if it == gone or it.startswith(f"{gone}/")]:
                    del files[known]
            elif member.isfile() and (_METADATA.search(name) or _DPKG.match(name)):
                content = archive.extractfile(member)
                assert content is not None
                files[name] = content.read().decode("utf-8", "replace")


def _packages(name: str, text: str) -> Iterator[Package]:
    if _METADATA.search(name):
        fields = message_from_string(text)
        licence = fields.get("License-Expression") or ""
        yield Package("pypi", fields["Name"], fields["Version"], licence=licence)
        return
    for paragraph in re.split(r"\n\s*\n", text):
        fields = message_from_string(paragraph.strip())
        if fields.get("Package") and _is_installed(fields):
            yield Package("deb", fields["Package"], fields["Version"], fields["Architecture"])


def _is_installed(fields: Message) -> bool:
    return fields.get("Status", "install ok installed").endswith(" installed")
