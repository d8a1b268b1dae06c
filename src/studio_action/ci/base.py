"""The CI system this runs under, as far as we care: where lines, secrets and outputs go."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol


class Platform(Protocol):
    """Writes for one CI system. Every text is made safe here; callers pass it as it came."""

    @property
    def name(self) -> str:
        """Return the name that people know, e.g. `GitHub Actions`."""
        ...

    def mask(self, secret: str) -> None:
        """Keep `secret` out of everything that is written from here on.

        One that is too short to be one, or empty, is not masked.
        """
        ...

    def hide(self, text: str) -> str:
        """Return `text` with `***` in place of every masked secret, for what others write."""
        ...

    def debug(self, text: str) -> None:
        """Write a line that is shown only where debug logging is on."""
        ...

    def info(self, text: str) -> None:
        """Write a line of the log."""
        ...

    def warning(self, text: str) -> None:
        """Write a line that stands out."""
        ...

    def error(self, text: str) -> None:
        """Write the one line that says why the step failed."""
        ...

    def group(self, title: str) -> AbstractContextManager[None]:
        """Fold away the lines of the block, where the system can; groups do not nest."""
        ...

    def describe(self, details: Mapping[str, str]) -> None:
        """Show `details`, texts by name, to people on a terminal, with the outputs that follow."""
        ...

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        """Hand `outputs` to later steps; `prefix` (`MODEL_`, `PROJECT_`) names them where
        names are shared by the whole job.

        Raises `WorkspaceRefused` if they cannot be written.
        """
        ...

    def summarize(self, markdown: str) -> None:
        """Add to the job's summary page, where there is one; a failure is but a warning."""
        ...

    def link(self, label: str, url: str) -> None:
        """Write a line with a link, without user info and query; also on the job's page, if it can
        have one.
        """
        ...
