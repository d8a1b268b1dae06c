"""An image's bill of materials, in CycloneDX."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from release.building import layout_of
from release.contents import ImageContents, Package
from studio_action.errors import ContentMismatch


def bill_of_materials(
    contents: ImageContents, *, image: str, digest: str, version: str, made: datetime
) -> str:
    """Return the JSON of the image `image@digest`; the same contents have the same text."""
    subject = Component(
        name=image,
        version=version,
        type=ComponentType.CONTAINER,
        bom_ref="image",
        purl=PackageURL(
            "oci",
            name=image.rpartition("/")[2],
            version=digest,
            qualifiers={"repository_url": image, "arch": contents.architecture},
        ),
        properties=[Property(name="org.opencontainers.image.digest", value=digest)],
    )
    bom = Bom(
        components=map(_component, contents.packages), serial_number=uuid5(NAMESPACE_URL, digest)
    )
    bom.metadata.component = subject
    bom.metadata.timestamp = made
    bom.register_dependency(subject, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=1)


def faults(text: str) -> Iterator[str]:
    """Yield what CycloneDX's own schema says against a bill of materials."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        yield str(error.data.message)


def component_names(text: str) -> list[str]:
    """Return the names of what a bill of materials lists."""
    return [each["name"] for each in json.loads(text)["components"]]


def _component(package: Package) -> Component:
    purl = _purl(package)
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        licenses=[LicenseExpression(package.licence)] if package.licence else [],
    )


def _purl(package: Package) -> PackageURL:
    # https://github.com/package-url/purl-spec/blob/main/PURL-TYPES.rst
    if package.kind == "pypi":
        return PackageURL(
            "pypi", name=package.name.lower().replace("_", "-"), version=package.version
        )
    return PackageURL(
        "deb",
        namespace="debian",
        name=package.name,
        version=package.version,
        qualifiers={"arch": package.architecture},
    )


def valid(contents: ImageContents, reference: str, version: str, epoch: int) -> str:
    """Return the bill of materials of an image by digest; raise `ContentMismatch` if not valid."""
    image, _, digest = reference.partition("@")
    made = datetime.fromtimestamp(epoch, timezone.utc)
    text = bill_of_materials(contents, image=image, digest=digest, version=version, made=made)
    if wrong := list(faults(text)):
        raise ContentMismatch(f"the SBOM of {image} is not valid: {wrong[0]}")
    return text


def of_image(reference: str, version: str, epoch: int) -> str:
    """Return the bill of materials of an image in a registry."""
    with tempfile.TemporaryDirectory() as folder:
        contents = ImageContents.read(layout_of(reference, Path(folder)))
    return valid(contents, reference, version, epoch)
