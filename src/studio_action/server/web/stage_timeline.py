"""Which version held a stage from when to when, as the tags tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from studio_action.gitrepo.gto.timeline import Event
from studio_action.text import printable

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Holding:
    """A version that held a stage; `version` is '' for a commit that is none.

    `until` and `ended_by` are None and '' if it still does.
    """

    version: str
    revision: str
    since: datetime
    by: str
    until: datetime | None = None
    ended_by: str = ""

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


def _tagger(event: Event) -> str:
    """Return who made a tag; anybody may have written the name."""
    return printable(event.by, _LONGEST)


def _follow(found: list[Holding], holder: Event | None, event: Event) -> None:
    """Note in `found` who holds the stage after an event."""
    current = found[-1] if found and found[-1].until is None else None
    if current and holder and current.revision == holder.revision:
        return
    if current:
        found[-1] = replace(current, until=event.when, ended_by=_tagger(event))
    if holder:
        found.append(Holding(holder.version, holder.revision, event.when, _tagger(event)))
