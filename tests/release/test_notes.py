from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from release.notes import notes, with_release
from release.versions import Version

from studio_action.errors import BadInput

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- b

## [1.1.0] - 2026-01-02

- a

## [1.0.0] - 2026-01-01

- first
"""
NEXT = Version(1, 2, 0)


def test_notes__of_one_version() -> None:
    assert notes(CHANGELOG, Version(1, 1, 0)) == "- a\n"
    assert notes(CHANGELOG, Version(1, 0, 0)) == "- first\n"


@pytest.mark.parametrize("version", [NEXT, Version(1, 1, 1), Version(1, 0, 10)])
def test_notes__not_there(version: Version) -> None:
    with pytest.raises(BadInput, match="says nothing"):
        notes(CHANGELOG, version)


def test_notes__an_empty_section_says_nothing() -> None:
    with pytest.raises(BadInput):
        notes("## [1.2.0] - 2026-02-03\n\n## [1.1.0]\n\n- a\n", NEXT)


def test_with_release__what_was_not_released_is_of_the_version() -> None:
    text = with_release(CHANGELOG, NEXT, date(2026, 2, 3))

    assert notes(text, NEXT) == "### Added\n\n- b\n"
    assert "## [Unreleased]\n\n## [1.2.0] - 2026-02-03\n" in text
    assert with_release(text, NEXT, date(2026, 9, 9)) == text


def test_with_release__no_place_for_it() -> None:
    with pytest.raises(BadInput, match="Unreleased"):
        with_release("# Changelog\n", NEXT, date(2026, 2, 3))


def test_this_changelog__has_what_a_release_needs() -> None:
    text = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()

    assert (
        len(notes(with_release(text, Version(99, 0, 0), date(2026, 2, 3)), Version(99, 0, 0))) > 99
    )
