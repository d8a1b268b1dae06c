"""Which version held a stage from when to when, as the tags tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from studio_action.gitrepo.gto.timeline import Event
from studio_action.text import printable

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Holding:
    """A version that held a stage, from the tag `began` to the tag `ended`, None if it still does.

    `holder` is the tag that assigned it.
    """

    holder: Event
    began: Event
    ended: Event | None = None

    @property
    def version(self) -> str:
        """The version's name, '' for a commit that is none."""
        return self.holder.version

    @property
    def revision(self) -> str:
        """The commit."""
        return self.holder.revision

    @property
    def since(self) -> datetime:
        """When it got the stage."""
        return self.began.when

    @property
    def until(self) -> datetime | None:
        """When it lost the stage."""
        return self.ended.when if self.ended else None

    @property
    def by(self) -> str:
        """Who made the tag by which it got the stage; anybody may have written the name."""
        return printable(self.began.by, _LONGEST)

    @property
    def ended_by(self) -> str:
        """Who made the tag by which it lost the stage; '' if it still holds it."""
        return printable(self.ended.by, _LONGEST) if self.ended else ""

    def lasted(self, now: datetime) -> timedelta:
        """Return how long it held the stage, or has so far."""
        return max((self.until or now) - self.since, timedelta())


def holdings(events: Sequence[Event], stage: str) -> Sequence[Holding]:
    """Return who held the stage, the last one first; `events` are one model's, newest first.

    The last assignment wins. Where it is taken back, the one before it counts again, as in
    `gto show`. A version that is no longer registered holds nothing, nor does a deprecated model.
    """
    found: list[Holding] = []
    holders: dict[str, Event] = {}  # by commit, the last one assigned being the last
    for event in reversed(events):
        match event.kind:
            case "assigned" if event.stage == stage:
                holders.pop(event.revision, None)
                holders[event.revision] = event
            case "unassigned" if event.stage == stage:
                holders.pop(event.revision, None)
            case "deregistered":
                _end_if_of(holders, event)
            case "deprecated":
                holders.clear()
            case _:
                continue
        _follow(found, next(reversed(holders.values()), None), event)
    return found[::-1]


def _end_if_of(holders: dict[str, Event], gone: Event) -> None:
    holder = holders.get(gone.revision)
    if holder is not None and holder.version == gone.version:
        del holders[gone.revision]


def _follow(found: list[Holding], holder: Event | None, event: Event) -> None:
    """Note in `found` who holds the stage after an event."""
    current = found[-1] if found and found[-1].ended is None else None
    if current and holder and current.revision == holder.revision:
        return
    if current:
        found[-1] = Holding(current.holder, current.began, event)
    if holder:
        found.append(Holding(holder, event))
