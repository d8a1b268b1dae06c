"""Builds an image with buildah, the same bytes from the same input, and puts it into a registry.

`--timestamp` gives every file, and the image itself, the date of the source's commit; one layer is
ours. https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from release import tree
from release.images import Recipe
from studio_action.errors import BadInput, Unreachable

LABEL = "org.opencontainers.image"


@dataclass(frozen=True, slots=True)
class Source:
    """What is built: the commit, and its date in seconds since the epoch."""

    root: Path
    url: str
    revision: str
    epoch: int
    created: str

    @classmethod
    def head_of(cls, root: Path, url: str) -> Source:
        """Return the commit that is checked out at `root`, of the repository at `url`."""
        shown = tree.git(root, "log", "-1", "--format=%H %ct %cI").split()
        return cls(root, url, shown[0], int(shown[1]), shown[2])

    def labels(self, base: str) -> Mapping[str, str]:
        """Return the labels that only a build knows (OCI's annotations).

        https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md
        """
        name, _, digest = base.partition("@")
        return {
            f"{LABEL}.revision": self.revision,
            f"{LABEL}.created": self.created,
            f"{LABEL}.source": self.url,
            f"{LABEL}.base.name": name,
            **({f"{LABEL}.base.digest": digest} if digest else {}),
        }


def run(*command: str) -> str:
    """Return what a command prints; raise `Unreachable` with its own words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        last = said[-1] if said else "without a word"
        raise Unreachable(f"`{' '.join(command[:2])}` failed: {last}", "Its output is above it")
    return done.stdout


def base_image(dockerfile: str) -> str:
    """Return the image that a Dockerfile builds on by default."""
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    if found is None:
        raise BadInput("the Dockerfile has no `ARG PYTHON_IMAGE=`", "Restore it")
    return found[1]


def pinned_base(image: str) -> str:
    """Return a base image by the digest that its registry has it at now.

    The digest is of the index, so that it is the same for each architecture.
    """
    digest = run("skopeo", "inspect", "--format={{.Digest}}", f"docker://{image}").strip()
    return f"{image.partition('@')[0]}@{digest}"


def build(
    source: Source, recipe: Recipe, base: str, labels: Mapping[str, str] | None = None
) -> str:
    """Build an image of the Dockerfile from scratch; return its id.

    `base` is an image that buildah can pull, or the id of one that it has.
    """
    said = {**source.labels(base), **(labels or {})}
    return run(
        "buildah", "build", "--quiet", "--format=oci", "--layers=false", "--no-cache",
        "--network=host", "--isolation=chroot", f"--timestamp={source.epoch}",
        f"--build-arg=PYTHON_IMAGE={base}",
        f"--build-arg=REQUIREMENTS={recipe.requirements}",
        *[f"--label={name}={text}" for name, text in said.items()],
        *([f"--target={recipe.target}"] if recipe.target else []),
        str(source.root),
    ).strip().splitlines()[-1]  # fmt: skip


def push(origin: str, image: str) -> str:
    """Copy an image, `TRANSPORT:NAME`, into a registry; return its reference by digest.

    `image` is `HOST/PATH`. The image gets no tag there: that comes last of all.
    """
    with tempfile.TemporaryDirectory() as folder:
        run("skopeo", "copy", "--quiet", origin, f"oci:{folder}:image")
        return _push_layout(Path(folder), image)


def _push_layout(folder: Path, image: str, *options: str) -> str:
    """Push an OCI layout's one image; nothing but its digest names it in the registry."""
    index = json.loads((folder / "index.json").read_text())
    reference = f"{image}@{index['manifests'][0]['digest']}"
    run(
        "skopeo", "copy", "--quiet", "--preserve-digests", *options, *_insecure("dest", image),
        f"oci:{folder}:image", f"docker://{reference}",
    )  # fmt: skip
    return reference


def layout_of(reference: str, folder: Path) -> Path:
    """Copy an image from its registry into a folder as an OCI layout; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    insecure = _insecure("src", reference)
    run("skopeo", "copy", "--quiet", *insecure, f"docker://{reference}", f"oci:{folder}:image")
    return folder


def _insecure(side: str, image: str) -> list[str]:
    """Return the option for a registry on this machine, which has no certificate."""
    option = f"--{side}-tls-verify=false".replace("---", "--")
    return [option] if image.startswith("127.0.0.1:") else []


def local_base(dockerfile: str) -> str:
    """Return the base image: by its registry's digest or, without the network, the engine's own."""
    name = base_image(dockerfile)
    try:
        return pinned_base(name)
    except Unreachable:
        return run("buildah", "pull", "--quiet", f"docker-daemon:{name}").strip().splitlines()[-1]


def push_index(references: Sequence[str]) -> str:
    """Push the index of one image for each architecture; return its reference by digest."""
    (image,) = {each.partition("@")[0] for each in references}
    index = run("buildah", "manifest", "create", f"release-{uuid.uuid4().hex}").strip()
    for each in references:
        run("buildah", "manifest", "add", *_insecure("", image), index, f"docker://{each}")
    with tempfile.TemporaryDirectory() as folder:
        layout = f"oci:{folder}:image"
        run("buildah", "manifest", "push", "--quiet", "--all", "--format=oci", index, layout)
        return _push_layout(Path(folder), image, "--all")


def tag(reference: str, tags: Sequence[str]) -> None:
    """Give an image that is in its registry tags there."""
    image = reference.partition("@")[0]
    insecure = (*_insecure("src", image), *_insecure("dest", image))
    for each in tags:
        to = f"docker://{image}:{each}"
        run(
            "skopeo",
            "copy",
            "--quiet",
            "--all",
            "--preserve-digests",
            *insecure,
            f"docker://{reference}",
            to,
        )
