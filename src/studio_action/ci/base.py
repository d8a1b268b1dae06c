"""The CI system this runs under, as far as we care: where lines, secrets and outputs go."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol


class Platform(Protocol):
    """Writes for one CI system. Every text is made safe here; callers pass it as it came."""

    @property
    def name(self) -> str:
        """What people call it, e.g. `GitHub Actions`."""
        ...

    def mask(self, secret: str) -> None:
        """Keep `secret` out of everything that is written from here on.

        One that is too short to be one, or empty, is not masked.
        """
        ...

    def hide(self, text: str) -> str:
        """`text` with `***` for everything that was masked; for what others write."""
        ...

    def debug(self, text: str) -> None:
        """A line that is shown only where debug logging is on."""
        ...

    def info(self, text: str) -> None:
        """A line of the log."""
        ...

    def warning(self, text: str) -> None:
        """A line that stands out."""
        ...

    def error(self, text: str) -> None:
        """The one line that says why the step failed."""
        ...

    def group(self, title: str) -> AbstractContextManager[None]:
        """Lines that belong together, folded away where the system can; groups do not nest."""
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
        """A line with a link, also on the job's page where the system can; user info and query
        are cut.
        """
        ...
