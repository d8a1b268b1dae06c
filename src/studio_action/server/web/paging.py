"""Pages of long lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """The items of page `number`, counted from 1, of `pages`; `total` counts all items."""

    items: Sequence[Item]
    number: int
    pages: int
    total: int

    @classmethod
    def of(cls, items: Sequence[Item], number: int, most: int) -> Page[Item]:
        """Return a page of at most so many items; none beyond the last page."""
        return cls(items[(number - 1) * most :][:most], number, -(-len(items) // most), len(items))


def parse_page(text: str) -> int:
    """Return the number of a page; 1 for what is none."""
    return int(text) if _NUMBER.fullmatch(text) else 1
