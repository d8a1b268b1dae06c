"""What differs between two versions of a model: files, parameters and metrics. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from studio_action.gitrepo.dvc.metrics import Value
from studio_action.gitrepo.locate.located import LocatedFile
from studio_action.model.digest import Digest
from studio_action.text import printable

_LONGEST = 200

Change = Literal["added", "removed", "changed", "same"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file in either version, and its sizes in bytes; None where it is not, or is not known."""

    path: str
    change: Change
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A value in either version; the texts are '' where it is not. `difference` is of numbers."""

    file: str
    name: str
    change: Change
    before: str
    after: str
    difference: str


def compare_files(
    before: Sequence[LocatedFile], after: Sequence[LocatedFile]
) -> Sequence[FileChange]:
    """Return the files that differ, in the order of their paths.

    A file whose digest or size is not known in one of the versions counts as changed.
    """
    old, new = ({file.path: file for file in files} for files in (before, after))
    every = (_file(path, old.get(path), new.get(path)) for path in sorted({*old, *new}))
    return [each for each in every if each.change != "same"]


def _file(path: str, old: LocatedFile | None, new: LocatedFile | None) -> FileChange:
    change: Change = "changed"
    if old is None or new is None:
        change = "added" if old is None else "removed"
    elif old.digest is not None and _same(old.digest, new.digest):
        change = "same"
    return FileChange(
        printable(path, _LONGEST), change, old.size if old else None, new.size if new else None
    )


def _same(old: Digest, new: Digest | None) -> bool:
    return new is not None and (old.algorithm, old.hex) == (new.algorithm, new.hex)


def compare_values(before: Sequence[Value], after: Sequence[Value]) -> Sequence[ValueChange]:
    """Return all values of either version, those that differ first."""
    old, new = (_by_name(values) for values in (before, after))
    every = [_value(key, old.get(key), new.get(key)) for key in sorted({*old, *new})]
    return sorted(every, key=lambda each: each.change == "same")


def _by_name(values: Sequence[Value]) -> Mapping[tuple[str, str], Value]:
    return {(value.file, value.name): value for value in values}


def _value(key: tuple[str, str], old: Value | None, new: Value | None) -> ValueChange:
    if old is None or new is None:
        change: Change = "added" if old is None else "removed"
        return ValueChange(*key, change, old.text if old else "", new.text if new else "", "")
    change = "same" if old.text == new.text else "changed"
    return ValueChange(*key, change, old.text, new.text, _difference(old.number, new.number))


def _difference(old: float | None, new: float | None) -> str:
    """Return by how much a number changed, `+0.012`; '' if it did not, or for texts."""
    return f"{new - old:+.4g}" if old is not None and new is not None and old != new else ""
