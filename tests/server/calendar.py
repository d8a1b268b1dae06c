"""A clock that stands still until a test moves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone


@dataclass(slots=True)
class Calendar:
    """Called, it gives the moment that it is, in UTC."""

    moment: datetime = datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.moment

    def turn(self, **by: float) -> None:
        """Go on by days, hours, minutes, seconds."""
        self.moment += timedelta(**by)
