"""No CI system that is known: lines for people on one stream, outputs as JSON on another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from studio_action.ci import files
from studio_action.ci.console import Console
from studio_action.ci.job import Job


class Generic(Console):
    """Writes for a plain container or terminal; `results` gets nothing but one JSON object."""

    name = "no CI system"

    def __init__(self, stream: TextIO, job: Job, results: TextIO) -> None:
        super().__init__(stream, job)
        self._results = results
        # A line takes the place of the progress bar, which comes back below it.
        self._clear = "\r\x1b[K" if stream.isatty() else ""

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        self._results.write(files.json_text(self._hidden(outputs)))
        self._results.flush()

    def _write(self, line: str) -> None:
        super()._write(self._clear + line)
