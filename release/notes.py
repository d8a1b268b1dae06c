"""The sections of CHANGELOG.md, which become a release's notes. Pure."""

from __future__ import annotations

import re
from datetime import date

from release.versions import Version
from studio_action.errors import BadInput

_UNRELEASED = "## [Unreleased]"


def notes(changelog: str, version: Version) -> str:
    """Return what changed in a version; raise `BadInput` if the change log does not say it."""
    heading = re.compile(rf"^## \[{re.escape(str(version))}\][^\n]*\n", re.MULTILINE)
    found = heading.search(changelog)
    body = (
        re.split(r"^## ", changelog[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        if found
        else ""
    )
    if not body.strip():
        raise BadInput(
            f"CHANGELOG.md says nothing of {version}", f"Run `make version VERSION={version}`"
        )
    return body.strip() + "\n"


def with_release(changelog: str, version: Version, day: date) -> str:
    """Return the change log in which what was not released is of a version, and nothing is left."""
    if f"## [{version}]" in changelog:
        return changelog
    if _UNRELEASED not in changelog:
        raise BadInput(
            f"CHANGELOG.md has no {_UNRELEASED}", "Write what changes for users below it"
        )
    return changelog.replace(_UNRELEASED, f"{_UNRELEASED}\n\n## [{version}] - {day}", 1)
