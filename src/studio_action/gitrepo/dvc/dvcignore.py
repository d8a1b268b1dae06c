"""What `.dvcignore` files ignore. Pure.

See https://dvc.org/doc/user-guide/project-structure/dvcignore-files.
The patterns are Git's, as DVC reads them: the last one that fits decides, a folder's come after
those of the folders above it, and nothing below an ignored folder can be had back. They are a
stranger's, so they are matched in time that grows with the text alone, which a regular expression
for a whole pattern, as of pathspec, does not promise.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from studio_action.errors import UnexpectedAnswer
from studio_action.text import printable

NAME = ".dvcignore"

_ALWAYS = (".hg/", ".git/", ".git", ".dvc/")
_LARGEST = 1 << 20
_MOST_RULES = 1000
_LONGEST_RULE = 1000
_ANY_DEPTH = "**"


@dataclass(frozen=True)
class Rules:
    """Patterns that count in one folder, those of the folders above it first.

    Paths are relative to the project's top folder, which is '' itself.
    """

    _rules: tuple[_Rule, ...] = ()

    @classmethod
    def always(cls) -> Rules:
        """Return what DVC ignores in every project."""
        return cls(tuple(_parsed(_ALWAYS)))

    def with_file(self, folder: str, content: bytes, document: str) -> Rules:
        """Return these and those of the `.dvcignore` in `folder`; `document` is what errors call
        it.

        Raises `UnexpectedAnswer` where DVC cannot read it either, or it is absurdly large.
        """
        try:
            lines = _lines(content)
            added = tuple(_parsed(_seen_from_top(folder, list(_parsed_lines(lines)))))
        except (ValueError, re.error) as error:
            fault = printable(str(error), 200)
            raise UnexpectedAnswer(f"{document} cannot be read: {fault}", _HINT) from error
        if len(self._rules) + len(added) > _MOST_RULES:
            raise UnexpectedAnswer(f"{document} makes it more than {_MOST_RULES} patterns", _HINT)
        return Rules(self._rules + added)

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Return whether `path`, none of whose folders is ignored, is ignored itself.

        So is all that is in a folder that its own `.dvcignore` ignores, by `**/` for example: to
        DVC, these rules count for the folder itself only where something in it is looked at.
        """
        parent = path.rpartition("/")[0]
        if parent:
            ignored = self._folders.get(parent)
            if ignored is None:
                ignored = self._folders[parent] = self._decide(parent, folder=True)
            if ignored:
                return True
        return self._decide(path, folder=folder)

    def _decide(self, path: str, *, folder: bool) -> bool:
        parts = path.split("/")
        for rule in reversed(self._rules):
            if (folder or not rule.only_folders) and rule.fits(parts, folder=folder):
                return rule.ignores
        return False

    @cached_property
    def _folders(self) -> dict[str, bool]:
        """Whether folders are ignored by these rules, by path: what many files ask."""
        return {}

    @cached_property
    def cost(self) -> int:
        """How much work it is to ask about a path, in steps for each part of it."""
        return sum(len(rule.segments) for rule in self._rules)


_HINT = "Check that file at that commit"


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern in parts: a name, a glob, or `**` for any number of folders."""

    ignores: bool
    only_folders: bool
    segments: tuple[str | re.Pattern[str], ...]

    def fits(self, parts: Sequence[str], *, folder: bool) -> bool:
        """Return whether it fits the path or a folder above it."""
        segments, end = self.segments, len(parts)
        if len(segments) == 2 and segments[0] == _ANY_DEPTH and segments[1] != _ANY_DEPTH:
            name = segments[1]
            return name in parts if isinstance(name, str) else any(map(name.fullmatch, parts))
        reached = {0}
        for number, segment in enumerate(segments):
            if segment != _ANY_DEPTH:
                last = segment is segments[-1] and not self.only_folders
                if (
                    folder
                    and last
                    and end in reached
                    and not isinstance(segment, str)
                    and segment.fullmatch("")
                ):
                    return True  # `***` fits what is behind a folder's slash: nothing
                reached = {at + 1 for at in reached if at < end and _fits(segment, parts[at])}
            elif number < len(segments) - 1:
                reached = set(range(min(reached), end + folder))
            else:  # something below, or the folder with a slash
                reached = {at for at in reached if 0 < at < end + folder}
            if not reached:
                return False
        return True


def _fits(segment: str | re.Pattern[str], part: str) -> bool:
    return segment == part if isinstance(segment, str) else bool(segment.fullmatch(part))


def _lines(content: bytes) -> list[str]:
    if len(content) > _LARGEST:
        raise ValueError(f"it has {len(content)} bytes, more than {_LARGEST}")
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8").read()
    stripped = (line.strip() for line in text.split("\n"))
    found = [line for line in stripped if line and not line.startswith("#")]
    if any(len(line) > _LONGEST_RULE for line in found):
        raise ValueError(f"a pattern is longer than {_LONGEST_RULE} characters")
    return found


def _parsed(patterns: Iterable[str]) -> Iterator[_Rule]:
    return (rule for pattern in patterns if (rule := _rule(pattern)) is not None)


def _parsed_lines(patterns: Iterable[str]) -> Iterator[str]:
    """Return those that say something where they stand; the others are dropped before they are
    moved.
    """
    return (pattern for pattern in patterns if _rule(pattern) is not None)


def _seen_from_top(folder: str, patterns: list[str]) -> list[str]:
    """Return the patterns of a `.dvcignore` in `folder`, as those of the top folder.

    The same text as DVC makes of them (`pathspec_math.py`), so what is odd about that, e.g. in
    folders with a `*` in their names, is odd here too.
    """
    return [_moved(pattern, folder) for pattern in patterns] if folder else patterns


def _moved(pattern: str, folder: str) -> str:
    negated = pattern.startswith("!")
    pattern = pattern.removeprefix("!")
    anchored = "/" in pattern[:-1] and not pattern.startswith("**/")
    pattern = pattern.removeprefix("/" if anchored else "**/").removeprefix("\\")
    moved = f"{folder}/{pattern}" if anchored else f"{folder}/**/{pattern}"
    return f"!/{moved}" if negated else moved


def _rule(pattern: str) -> _Rule | None:
    """Return the pattern, None if it says nothing; raise `ValueError` if it makes no sense."""
    if not pattern.endswith("\\ "):
        pattern = pattern.rstrip()
    if not pattern or pattern.startswith("#") or pattern == "/":
        return None
    only_folders = pattern.endswith("/")
    ignores = not pattern.startswith("!")
    names = _normal(pattern.removeprefix("!").split("/"))
    if names == [_ANY_DEPTH, "*", _ANY_DEPTH] or (only_folders and names == [_ANY_DEPTH]):
        names = [""]  # `*/` fits nothing in the top folder, to DVC
    elif names == [_ANY_DEPTH]:
        names = [_ANY_DEPTH, "*"]
    parts: list[list[str]] = []
    for name in names:
        runs = _runs(name)
        if runs is None:
            return None
        parts.append(runs)
    segments = tuple(map(_segment, names, parts))
    if only_folders and segments[-1] == _ANY_DEPTH:
        segments = segments[:-1]  # a folder always has that below it
    return _Rule(ignores, only_folders, segments)


def _normal(names: list[str]) -> list[str]:
    """Return the pattern's parts, from the top folder: `**` before a single name, and after a
    slash.
    """
    if not names[0]:
        names = names[1:]
    elif len(names) == 1 or (len(names) == 2 and not names[1]):
        names = [_ANY_DEPTH, *names]
    if not names:
        raise ValueError("a pattern is but a `!`")
    if not names[-1]:
        names = [*names[:-1], _ANY_DEPTH]
    twice = (
        number > 0 and name == _ANY_DEPTH == names[number - 1] for number, name in enumerate(names)
    )
    return [name for name, again in zip(names, twice, strict=True) if not again]


def _segment(glob: str, runs: list[str]) -> str | re.Pattern[str]:
    """Return a part of a pattern: itself where it is plain, else the expression for its `_runs`."""
    if glob == _ANY_DEPTH or not re.search(r"[\\*?\[]", glob):
        return glob
    first, *others = runs
    *between, last = others or [""]
    if not others:
        return re.compile(first, re.DOTALL)
    # What a star skips is as short as it can be, once and for all, as in Python's fnmatch.
    shortest = "".join(
        f"(?=(?P<g{number}>.*?{run}))(?P=g{number})" for number, run in enumerate(between)
    )
    one_at_least = "(?=.)" if glob == "*" else ""
    return re.compile(f"{one_at_least}{first}{shortest}.*{last}", re.DOTALL)


def _runs(glob: str) -> list[str] | None:
    """Return regular expressions for what is between the stars; None where a bracket has no end.

    Each fits a fixed number of characters.
    """
    runs, place = [""], 0
    while place < len(glob):
        char = glob[place]
        place += 1
        if char == "\\":
            if place == len(glob):
                raise ValueError(f"a pattern ends in the middle: {glob!r}")
            runs[-1] += re.escape(glob[place])
            place += 1
        elif char == "*":
            runs.append("")
        elif char == "[":
            end = _end_of_bracket(glob, place)
            if end < 0:
                return None
            runs[-1] += _one_of(glob[place:end])
            place = end + 1
        else:
            runs[-1] += "." if char == "?" else re.escape(char)
    return runs


def _end_of_bracket(glob: str, start: int) -> int:
    """Return where the `]` is that ends what began at `start`, which may begin with one; -1:
    nowhere.
    """
    start += glob[start : start + 1] in ("!", "^")
    return glob.find("]", start + (glob[start : start + 1] == "]"))


def _one_of(said: str) -> str:
    """Return the regular expression for a bracket: characters and ranges of them."""
    negated: Literal["", "^"] = "^" if said[0] in "!^" else ""
    left = said[1:] if negated else said
    found = ""
    while left:
        first, last = left[0], left[0]
        if len(left) > 2 and left[1] == "-":
            last = left[2]
        found += f"{re.escape(first)}-{re.escape(last)}"
        left = left[3 if len(left) > 2 and left[1] == "-" else 1 :]
    return f"[{negated}{found}]"
