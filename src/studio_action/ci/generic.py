"""No CI system that is known: lines for people on one stream, outputs on another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from studio_action.ci.console import Console
from studio_action.ci.job import Job
from studio_action.ci.results import Results


class Generic(Console):
    """Writes for a plain container or terminal; `results` gets nothing but the outputs."""

    name = "no CI system"

    def __init__(
        self, stream: TextIO, job: Job, results: Results, *, in_colour: bool = False
    ) -> None:
        super().__init__(stream, job)
        self._results = results
        self.in_colour = in_colour
        # A line takes the place of the progress bar, which comes back below it.
        self._clear = "\r\x1b[K" if stream.isatty() else ""

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        self._results.publish(self._hidden(outputs), prefix)

    def describe(self, details: Mapping[str, str]) -> None:
        self._results.details.update({name: self.hide(text) for name, text in details.items()})

    def _write(self, line: str) -> None:
        super()._write(self._clear + line)
