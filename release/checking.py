"""`make release-check`: a whole release on this machine, of which nothing leaves it.

A clone of the last commit becomes the version. Its images go into a registry on loopback, its
branch and tags into a repository in `.release/`. Who signs is a Sigstore of the tests' own: there
is no identity here that the public one could confirm.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from release import building, package, provenance, sbom, tree
from release.branch import Release, commit_release
from release.building import LABEL, Source
from release.contents import ImageContents
from release.images import RECIPES, STEP, Recipe
from release.names import FILE, ReleaseNames
from release.notes import notes, with_release
from release.registry import local_registry
from release.tags import ALLOWED_SIGNERS, SOURCE, verify_source
from release.versions import Version, with_version
from studio_action.errors import ContentMismatch

BUILDER = "urn:studio-action:release-check"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What `make rehearse` needs to know of a release that was made here."""

    version: str
    action: str
    port: int
    step: str

    @classmethod
    def load(cls, folder: Path) -> Rehearsal:
        """Return what `save` wrote."""
        return cls(**json.loads((folder / "rehearsal.json").read_text()))

    def save(self, folder: Path) -> None:
        """Write it into the folder of the release."""
        (folder / "rehearsal.json").write_text(json.dumps(asdict(self), indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image in the registry on loopback: `name` is what it will be called, HOST/PATH."""

    recipe: Recipe
    name: str
    reference: str


def check_release(root: Path, folder: Path, version: Version, ready: str, say: Say) -> Rehearsal:
    """Make the release of a version in `folder`; raise a `StudioActionError` at what is wrong.

    `ready` is an image that skopeo can read, such as `docker-daemon:studio-action:latest`. It is
    taken for the step's; without it, each image is built.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = ReleaseNames.parse((root / FILE).read_text("utf-8"))
    clone = _source(root, folder, names, version)
    say(f"{SOURCE}{version.tag}: signed by a key of release/allowed-signers")
    (folder / "notes.md").write_text(notes((clone / "CHANGELOG.md").read_text("utf-8"), version))
    source = Source.head_of(clone, f"https://github.com/{names.repository}")
    files = package.build(clone, folder / "dist", source.epoch)
    package.check(files)
    say(f"{', '.join(file.name for file in files)}: twine finds nothing")
    with local_registry(folder / "registry") as registry:
        images = _images(source, names, registry, version, ready, say)
        subjects = {file.name: package.sha256(file) for file in files}
        for image in images:
            digest, tag = image.reference.partition("@")[2], image.recipe.tag(version)
            subjects[f"{image.name}:{tag}"] = digest.partition(":")[2]
            _bill_of_materials(folder, source, image, version, bool(ready))
            say(f"{image.name}:{tag}@{digest}: SBOM is valid")
    _provenance(folder, source, subjects, version)
    say(f"provenance of {len(subjects)} artifacts: its signature is valid")
    named = {each.name: each.reference for each in images if not each.recipe.suffix}
    refs = _publish(clone, folder, Release(version, named, names.images.step))
    say(f"pushed to a repository here: {', '.join(refs)}")
    step = named[names.images.step]
    done = Rehearsal(str(version), names.repository, int(registry.rpartition(":")[2]), step)
    done.save(folder)
    return done


def _source(root: Path, folder: Path, names: ReleaseNames, version: Version) -> Path:
    """Return a clone that is the version, with a tag that is signed by a key made for it."""
    clone = folder / "source"
    tree.git(root, "clone", "--quiet", "--no-local", "--no-tags", str(root), str(clone))
    old = Version.parse(_version_of(clone))
    tree.rewrite(clone, lambda text: with_version(text, names, old, version))
    changelog = clone / "CHANGELOG.md"
    day = datetime.now(timezone.utc).date()
    changelog.write_text(with_release(changelog.read_text("utf-8"), version, day), "utf-8")
    key = folder / "key"
    building.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release", "-f", str(key))
    public = key.with_suffix(".pub").read_text()
    (clone / ALLOWED_SIGNERS).write_text(f'release@rehearsal.invalid namespaces="git" {public}')
    who = ("-c", "user.name=rehearsal", "-c", "user.email=release@rehearsal.invalid")
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}")
    tag = f"{SOURCE}{version.tag}"
    tree.git(
        clone, *who, "commit", "--quiet", "--no-gpg-sign", "--all", f"--message=Version {version}"
    )
    tree.git(clone, *who, *signing, "tag", "--sign", f"--message=Version {version}", tag)
    verify_source(clone, tag, Version.parse(_version_of(clone)))
    return clone


def _version_of(root: Path) -> str:
    text = (root / "src/studio_action/__init__.py").read_text("utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def _images(
    source: Source, names: ReleaseNames, registry: str, version: Version, ready: str, say: Say
) -> list[Pushed]:
    """Build the images, push them into the registry on loopback, and tag them there."""
    base = "" if ready else building.local_base((source.root / "Dockerfile").read_text("utf-8"))
    images = []
    for key in [STEP] if ready else RECIPES:
        recipe, origin = RECIPES[key], ready
        if not ready:
            say(f"building {key} …")
            origin = f"containers-storage:{building.build(source, recipe, base)}"
        for gitlab in (False, True):
            name = names.image(recipe.name, gitlab)
            reference = building.push(origin, f"{registry}/{name.partition('/')[2]}")
            building.tag(reference, [recipe.tag(version)])
            images.append(Pushed(recipe, name, reference))
    return images


def _bill_of_materials(
    folder: Path, source: Source, image: Pushed, version: Version, ready: bool
) -> None:
    name = f"{image.name}{image.recipe.suffix}".replace("/", "_")
    contents = ImageContents.read(building.layout_of(image.reference, folder / "layouts" / name))
    text = sbom.valid(contents, image.reference, str(version), source.epoch)
    if missing := {"requests", "git"} - set(sbom.component_names(text)):
        raise ContentMismatch(f"the SBOM of {name} lacks {sorted(missing)}")
    if not ready:
        _check_labels(image.name, contents.labels, source, version)
    (folder / "sbom").mkdir(exist_ok=True)
    (folder / "sbom" / f"{name}.cdx.json").write_text(text)


def _check_labels(image: str, labels: Mapping[str, str], source: Source, version: Version) -> None:
    wanted = {
        f"{LABEL}.revision": source.revision,
        f"{LABEL}.created": source.created,
        f"{LABEL}.source": source.url,
        f"{LABEL}.version": str(version),
    }
    for name, text in wanted.items():
        if labels.get(name) != text:
            raise ContentMismatch(
                f"{image} has the label {name}={labels.get(name)!r}, not {text!r}"
            )


def _provenance(
    folder: Path, source: Source, subjects: Mapping[str, str], version: Version
) -> None:
    from release.rehearsed_signature import signed

    said = provenance.statement(
        subjects,
        source=source.url,
        revision=source.revision,
        builder=BUILDER,
        parameters={"version": str(version)},
    )
    bundle, root = signed(said)
    (folder / "provenance.sigstore.json").write_text(bundle)
    (folder / "trusted_root.json").write_text(root)


def _publish(clone: Path, folder: Path, release: Release) -> list[str]:
    """Commit and tag the release; push it, and then a next one would find its tags there."""
    refs = commit_release(clone, release)
    origin = folder / "origin.git"
    tree.git(folder, "init", "--quiet", "--bare", str(origin))
    tree.git(clone, "push", "--quiet", "--force", str(origin), *refs)
    return refs
