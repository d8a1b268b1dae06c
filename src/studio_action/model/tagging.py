"""Who made a tag that decided which version it is, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone


@dataclass(frozen=True, slots=True)
class Tagging:
    """A tag; `tagger` and `when`, in seconds since 1970, are what its maker wrote: no proof."""

    tag: str
    tagger: str
    when: int

    def __str__(self) -> str:
        """Return e.g. `Ada Example, 2026-03-01 12:00 UTC`."""
        try:
            moment = datetime.fromtimestamp(self.when, timezone.utc)
        except (ValueError, OverflowError, OSError):
            return self.tagger
        return ", ".join(filter(None, (self.tagger, f"{moment:%Y-%m-%d %H:%M} UTC")))
