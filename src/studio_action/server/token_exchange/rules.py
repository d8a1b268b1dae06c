"""Rules over the claims of ID tokens: which job gets which access. Pure.

A pattern is a text in which `*` stands for any characters but `/` and `:`, and `**` for any at all;
nothing else is special, and case counts. `acme/*` means the repositories of `acme`, and
`refs/tags/*` every tag without a slash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from studio_action.server.scopes import Scope

LONGEST_CLAIM = 1000
"""The most characters of a claim that a pattern can match."""
_WILDCARD = re.compile(r"(\*+)")
_BOUNDARY = re.compile(r"[/:]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one claim may be, as somebody wrote it."""

    text: str

    @property
    def literal(self) -> str:
        """The text before the first `*`; all of it if there is none."""
        return self.text.partition("*")[0]

    @property
    def is_exact(self) -> bool:
        """Whether it has no `*`."""
        return "*" not in self.text

    @property
    def matches_anything(self) -> bool:
        """Whether it is of `*` alone, so that it says nothing about the claim."""
        return not self.text.strip("*")

    def matches(self, value: str) -> bool:
        """Return whether it matches the whole `value`, in time linear in both their lengths."""
        if len(value) > LONGEST_CLAIM or _UNPRINTABLE.search(value):
            return False
        ends = {0}  # of what the parts so far can have matched
        for part in filter(None, _WILDCARD.split(self.text)):
            if part == "*":
                ends = _spread(value, ends)
            elif part.startswith("**"):
                ends = set(range(min(ends), len(value) + 1))
            else:
                ends = {start + len(part) for start in ends if value.startswith(part, start)}
            if not ends:
                return False
        return len(value) in ends


def _spread(value: str, starts: Iterable[int]) -> set[int]:
    """Return where `*` can end that begins at one of `starts`: up to the next `/` or `:` each."""
    ends: set[int] = set()
    reached = -1
    for start in sorted(starts):
        if start > reached:  # else an earlier one spreads over all of it
            found = _BOUNDARY.search(value, start)
            reached = found.start() if found else len(value)
            ends.update(range(start, reached + 1))
    return ends


@dataclass(frozen=True, slots=True)
class Rule:
    """A token for a job whose claims each match one of the patterns that the rule has for it."""

    claims: Mapping[str, tuple[Pattern, ...]]
    scopes: frozenset[Scope]
    teams: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    all_repositories: bool = field(default=False)

    def misfits(self, claims: Mapping[str, object], *, in_lists: bool = False) -> Iterable[str]:
        """Return the names of the claims that are missing or match none of their patterns.

        With `in_lists`, a list matches if one of its values does: the groups that people are in.
        """
        return [
            name
            for name, patterns in self.claims.items()
            if not _fits(claims.get(name), patterns, in_lists)
        ]


def _fits(claim: object, patterns: Iterable[Pattern], in_lists: bool) -> bool:
    if in_lists and isinstance(claim, list):
        return any(_fits(each, patterns, False) for each in claim)
    value = text_of(claim)
    return value is not None and any(pattern.matches(value) for pattern in patterns)


def text_of(value: object) -> str | None:
    """Return a claim as patterns see it: true is `true`, 7 is `7`; None if it is not one value.

    Lists, objects, fractions and null match nothing: what of them would count is a guess.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int)):
        return str(value)
    return None
