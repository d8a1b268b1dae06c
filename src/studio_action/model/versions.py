"""The order of versions and ranges of them, as https://semver.org has it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_action.errors import BadInput

if TYPE_CHECKING:
    from semantic_version import SimpleSpec
    from semantic_version import Version as Semantic

_LONGEST = 200
_BLOCK = re.compile(r"(?P<operator>[<>=!~^]*)v?(?P<numbers>[0-9xX*.]+)(?P<rest>[-+].*)?")


def semantic(version: str) -> Semantic:
    """Return `v1.2.0` as a value that compares by precedence, without build metadata."""
    from semantic_version import Version as Semantic  # late: it takes its time

    return Semantic(version.removeprefix("v"))


def is_prerelease(version: str) -> bool:
    return bool(semantic(version).prerelease)


def is_older(version: str, other: str) -> bool:
    """Return whether `version` comes before `other`: v2.0.0-rc.1 is older than v2.0.0."""
    return bool(semantic(version) < semantic(other))


@dataclass(frozen=True, slots=True)
class InRange:
    """The highest version in a range: `^1.2`, `~1.2`, `>=1,<2`, `1.x`, also with spaces or `v`.

    A pre-release is in a range by its precedence, but `<2` and `^1` have none of `v2.0.0`.
    """

    range: str

    @classmethod
    def parse(cls, text: str) -> InRange:
        """Read a range; raise `BadInput` for anything else."""
        wanted = cls(_comparators(text))
        try:
            wanted.spec()
        except ValueError as error:
            raise _no_range(text) from error
        return wanted

    def spec(self) -> SimpleSpec:
        from semantic_version import SimpleSpec

        return SimpleSpec(self.range)

    def __str__(self) -> str:
        return f"version {self.range}"


def _comparators(text: str) -> str:
    """Return the comparators, all of which must hold, in the library's form: `>=1.2.*,<2`."""
    if len(text) > _LONGEST:
        raise _no_range(text[:_LONGEST] + "…")
    joined = re.sub(r"(?<=[<>=!~^])\s+", "", text.strip())
    blocks = [_BLOCK.fullmatch(block) for block in re.split(r"\s*,\s*|\s+", joined)]
    return ",".join(_comparator(block, text) for block in blocks)


def _comparator(block: re.Match[str] | None, text: str) -> str:
    if block is None:
        raise _no_range(text)
    numbers = block["numbers"].replace("x", "*").replace("X", "*")
    return block["operator"] + numbers + (block["rest"] or "")


def _no_range(text: str) -> BadInput:
    return BadInput(
        f"version {text!r} is neither a version nor a range of versions",
        "A version is v2.0.0; a range is ^1.2, ~1.2, 1.x or >=1,<2",
    )
