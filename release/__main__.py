"""`python -m release`: what `make` and the release's workflows call."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import studio_action
from release import tree
from release.names import FILE, ReleaseNames, renamed
from release.versions import Version, with_version
from studio_action.errors import StudioActionError

ROOT = Path(__file__).parents[1]


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
    """Write VERSION wherever the tree names the release."""
    old, new = Version.parse(studio_action.__version__), Version.parse(version)
    names = names_of(ROOT)
    for path in tree.rewrite(ROOT, lambda text: with_version(text, names, old, new)):
        click.echo(path.relative_to(ROOT))


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
