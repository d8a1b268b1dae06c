"""What people on a terminal read besides the outputs: how old, what was before, how fast. Pure."""

from __future__ import annotations

from datetime import datetime

from studio_action.model.artifact import Resolution
from studio_action.model.tagging import Tagging
from studio_action.outputs.manifest import Download
from studio_action.text import human_size, human_time

_SHOWN_HOLDERS = 3
_UNITS = (("year", 365 * 86400), ("month", 30 * 86400), ("day", 86400), ("hour", 3600))


def of_resolution(resolution: Resolution, now: datetime) -> dict[str, str]:
    """Return the rows about a version and its stage; only those that the source knows."""
    rows = {
        "registered": _tagged(resolution.registered, now),
        "assigned": _tagged(resolution.assigned, now),
        "stage history": _history(resolution, now),
    }
    return {name: text for name, text in rows.items() if text}


def of_download(download: Download, now: datetime) -> dict[str, str]:
    """Return the same rows, and how fast the files came."""
    return {**of_resolution(download.resolution, now), "downloaded": speed(download)}


def speed(download: Download) -> str:
    """Return how much came, how long it took, and how fast that is."""
    if download.cached:
        return "nothing: all files were there"
    rate = human_size(download.transferred / max(download.seconds, 1e-3))
    return f"{human_size(download.transferred)} in {human_time(download.seconds)} ({rate}/s)"


def age(seconds: float) -> str:
    """Return the age in its largest unit, e.g. `3 days ago`; '' for a time in the future."""
    if seconds < 0:
        return ""
    for unit, length in _UNITS:
        if seconds >= length:
            return _counted(int(seconds // length), unit)
    return _counted(int(seconds // 60), "minute") if seconds >= 60 else "just now"


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'} ago"


def _tagged(tagging: Tagging | None, now: datetime) -> str:
    """Return who did it when, with its age."""
    if tagging is None:
        return ""
    old = age(now.timestamp() - tagging.when)
    return f"{tagging} ({old})" if old else str(tagging)


def _history(resolution: Resolution, now: datetime) -> str:
    """Return the last versions in the stage, the newest first; '' if there was but one."""
    shown = []
    for version, assigned in resolution.holders[:_SHOWN_HOLDERS]:
        old = age(now.timestamp() - assigned.when)
        shown.append(f"{version} ({old})" if old else version)
    more = len(resolution.holders) - len(shown)
    earlier = f", {more:,} more" if more else ""
    return ", ".join(shown) + earlier if len(shown) > 1 else ""
