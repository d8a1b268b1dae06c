"""What a download would do, for people and for programs. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from studio_action.inputs.outputs_table import LISTED_FILES
from studio_action.outputs.manifest import timestamp
from studio_action.text import human_size, human_time, printable

Action = Literal["fetch", "replace", "keep", "remove"]
ACTIONS: tuple[Action, ...] = ("fetch", "replace", "keep", "remove")
MOST_LINES = 50
"""Files that the log lists; the output `plan` has more."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file, its path relative to the workspace; `size` in bytes, None where nobody tells it.

    `model` is the name of its model, '' where there is but one.
    """

    path: str
    size: int | None
    action: Action
    model: str = ""


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What would be done, and what it would take.

    `speed` was measured, in bytes a second; `expires` is when the first URL does; `free` are the
    bytes of the disk that nobody has. None: not known.
    """

    files: tuple[PlannedFile, ...]
    now: datetime
    speed: float | None = None
    expires: datetime | None = None
    free: int | None = None

    def of(self, *actions: Action) -> tuple[PlannedFile, ...]:
        """Return the files of these actions."""
        return tuple(file for file in self.files if file.action in actions)

    @property
    def to_fetch(self) -> int:
        """Return how many bytes come over the network, as far as sizes are known."""
        return _bytes(self.of("fetch", "replace"))

    @property
    def seconds(self) -> float | None:
        """Return how long that takes at the measured speed."""
        return self.to_fetch / self.speed if self.speed else None

    @property
    def valid_for(self) -> float | None:
        """Return for how many seconds the URLs are good."""
        return (self.expires - self.now).total_seconds() if self.expires else None

    @property
    def expires_too_early(self) -> bool:
        """Return whether URLs expire while the download runs."""
        left, needed = self.valid_for, self.seconds
        return left is not None and needed is not None and left < needed

    @property
    def fits(self) -> bool:
        """Return whether there is room: what is replaced stays until all is in place."""
        return self.free is None or self.to_fetch <= self.free


def lines(plan: DownloadPlan) -> Iterator[str]:
    """Yield what to tell a person."""
    for file in plan.files[:MOST_LINES]:
        model = f" ({printable(file.model, 100)})" if file.model else ""
        yield f"{file.action} {printable(file.path, 300)}, {_size(file.size)}{model}"
    if len(plan.files) > MOST_LINES:
        yield f"and {len(plan.files) - MOST_LINES:,} more"
    yield from facts(plan)


def facts(plan: DownloadPlan) -> Iterator[str]:
    """Yield what is true of all files together."""
    yield _sums(plan)
    if plan.seconds is not None and plan.speed:
        yield (
            f"Measured speed: {human_size(plan.speed)}/s. The download takes about"
            f" {human_time(plan.seconds)}"
        )
    if plan.valid_for is not None:
        during = "while the download runs: they are renewed then" if plan.expires_too_early else ""
        yield f"The URLs expire in {human_time(max(0.0, plan.valid_for))}{during and f', {during}'}"
    if plan.free is not None:
        yield f"Free disk space: {human_size(plan.free)}, needed: {human_size(plan.to_fetch)}"


def document(plan: DownloadPlan) -> str:
    """Return the output `plan`."""
    sums: dict[str, object] = {
        action: {"files": len(plan.of(action)), "bytes": _bytes(plan.of(action))}
        for action in ACTIONS
    }
    found: dict[str, object] = {
        **sums,
        "bytes-per-second": round(plan.speed) if plan.speed else None,
        "seconds": round(plan.seconds, 1) if plan.seconds is not None else None,
        "urls-expire": timestamp(plan.expires) if plan.expires else None,
        "urls-expire-too-early": plan.expires_too_early,
        "free-bytes": plan.free,
        "fits": plan.fits,
        "files": [_row(file) for file in plan.files[:LISTED_FILES]],
    }
    return json.dumps(found, ensure_ascii=False)


def _row(file: PlannedFile) -> dict[str, str | int | None]:
    row: dict[str, str | int | None] = {
        "path": file.path,
        "size": file.size,
        "action": file.action,
    }
    return row | {"model": file.model} if file.model else row


def _sums(plan: DownloadPlan) -> str:
    counted = [(len(plan.of(action)), action) for action in ACTIONS]
    said = ", ".join(f"{count:,} to {action}" for count, action in counted if count)
    unknown = sum(file.size is None for file in plan.of("fetch", "replace"))
    more = f", and {unknown} of unknown size" if unknown else ""
    return f"{said or 'No files'}. To download: {human_size(plan.to_fetch)}{more}"


def _bytes(files: Sequence[PlannedFile]) -> int:
    return sum(file.size or 0 for file in files)


def _size(size: int | None) -> str:
    return "size unknown" if size is None else human_size(size)
