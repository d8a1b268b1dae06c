"""`python -m release`: what `make` and the workflows of a release call."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path

import click

import studio_action
from release import tree
from release.images import RECIPES, STEP
from release.names import FILE, ReleaseNames, renamed
from release.notes import notes, with_release
from release.versions import Version, with_version
from studio_action.errors import StudioActionError

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".release"
CHANGELOG = ROOT / "CHANGELOG.md"


IMAGE_KEY = click.Choice(list(RECIPES))
on_gitlab = click.option("--gitlab", is_flag=True, help="The image at GitLab's registry.")


def names_of(root: Path) -> ReleaseNames:
    """Return the names that a checkout says."""
    return ReleaseNames.parse((root / FILE).read_text("utf-8"))


@click.group(help=__doc__)
def cli() -> None:
    pass


@cli.command("names")
@click.option("--since", default="HEAD", show_default=True, help="The commit with the old names.")
def write_names(since: str) -> None:
    """Write the names of release.toml wherever the tree names the release."""
    old, new = ReleaseNames.parse(tree.git(ROOT, "show", f"{since}:{FILE}")), names_of(ROOT)
    for path in tree.rewrite(ROOT, lambda text: renamed(text, old, new)):
        click.echo(path.relative_to(ROOT))


@cli.command("version")
@click.argument("version")
def write_version(version: str) -> None:
    """Write VERSION wherever the tree names the release, and into the change log."""
    old, new = Version.parse(studio_action.__version__), Version.parse(version)
    names, day = names_of(ROOT), datetime.now(timezone.utc).date()
    for path in tree.rewrite(ROOT, lambda text: with_version(text, names, old, new)):
        click.echo(path.relative_to(ROOT))
    CHANGELOG.write_text(with_release(CHANGELOG.read_text("utf-8"), new, day), "utf-8")


@cli.command("notes")
@click.argument("version")
def write_notes(version: str) -> None:
    """Print what CHANGELOG.md says of VERSION."""
    click.echo(notes(CHANGELOG.read_text("utf-8"), Version.parse(version)), nl=False)


@cli.command("verify-source")
@click.argument("tag")
def verify_source(tag: str) -> None:
    """Print the version of the signed TAG, source/vX.Y.Z, which is checked out."""
    from release import tags

    click.echo(tags.verify_source(ROOT, tag, Version.parse(studio_action.__version__)))


@cli.command("base")
def print_base() -> None:
    """Print the base image by the digest that its registry has it at now."""
    from release import building

    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    click.echo(building.pinned_base(building.base_image(dockerfile)))


@cli.command("name")
@click.argument("key", type=IMAGE_KEY)
@on_gitlab
def print_name(key: str, gitlab: bool) -> None:
    """Print the name of an image, HOST/PATH."""
    click.echo(names_of(ROOT).image(RECIPES[key].name, gitlab))


@cli.command("image")
@click.argument("key", type=IMAGE_KEY)
@click.option("--base", required=True, help="The base image by digest.")
@on_gitlab
def push_image(key: str, base: str, gitlab: bool) -> None:
    """Build an image for this machine's architecture, push it by digest, and print that."""
    from release import building

    names = names_of(ROOT)
    source = building.Source.head_of(ROOT, f"https://github.com/{names.repository}")
    built = building.build(source, RECIPES[key], base)
    click.echo(building.push(f"containers-storage:{built}", names.image(RECIPES[key].name, gitlab)))


@cli.command("index")
@click.argument("references", nargs=-1, required=True)
def push_index(references: tuple[str, ...]) -> None:
    """Push the index of REFERENCES, one image for each architecture; print its reference."""
    from release import building

    click.echo(building.push_index(references))


@cli.command("tag")
@click.argument("key", type=IMAGE_KEY)
@click.argument("reference")
@click.argument("version")
def tag_image(key: str, reference: str, version: str) -> None:
    """Give the image REFERENCE, HOST/PATH@sha256:…, the tag of VERSION in its registry."""
    from release import building

    building.tag(reference, [RECIPES[key].tag(Version.parse(version))])


@cli.command("sbom")
@click.argument("reference")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True)
def write_sbom(reference: str, output: Path) -> None:
    """Write the bill of materials of the image REFERENCE, HOST/PATH@sha256:…."""
    from release import building, sbom

    source = building.Source.head_of(ROOT, "")
    output.write_text(sbom.of_image(reference, studio_action.__version__, source.epoch), "utf-8")


@cli.command("package")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True)
def build_package(output: Path) -> None:
    """Build wheel and sdist, and check them as PyPI would."""
    from release import building, package

    files = package.build(ROOT, output.absolute(), building.Source.head_of(ROOT, "").epoch)
    package.check(files)
    for file in files:
        click.echo(f"{package.sha256(file)}  {file.name}")


@cli.command("commit")
@click.option("--image", "images", multiple=True, required=True, help="HOST/PATH@sha256:….")
@on_gitlab
def commit(images: tuple[str, ...], gitlab: bool) -> None:
    """Commit and tag the release on top of HEAD; print the refs to push."""
    from release.branch import Release, commit_release

    by_name = {each.partition("@")[0]: each for each in images}
    names, version = names_of(ROOT), Version.parse(studio_action.__version__)
    release = Release(version, by_name, step=names.image(STEP, gitlab))
    click.echo("\n".join(commit_release(ROOT, release)))


@cli.command("check")
@click.argument("version")
@click.option("--image", default="", help="A step's image that is built, as skopeo names it.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
def check(version: str, image: str, folder: Path) -> None:
    """Make the release VERSION on this machine. Nothing leaves it."""
    from release.checking import check_release

    check_release(ROOT, folder.absolute(), Version.parse(version), image, click.echo)
    click.echo(f"The release {version} is in {folder}")


@cli.command("rehearse")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
def rehearse(folder: Path) -> None:
    """Use the release that `check` made in a GitHub workflow."""
    from release import rehearsing

    rehearsing.rehearse(ROOT, folder.absolute(), click.echo)


@cli.command("wheels")
def wheels() -> None:
    """Check that each locked package has a wheel for each architecture of the images."""
    from release import architectures

    for line in architectures.check(ROOT):
        click.echo(line)


@cli.command("reproduce")
def reproduce() -> None:
    """Build both images twice from scratch, and compare."""
    from release import reproducing

    for line in reproducing.check(ROOT):
        click.echo(line)


def main() -> int:
    """Run a command; return the exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except StudioActionError as error:
        click.echo(str(error), err=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
