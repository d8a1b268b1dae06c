"""The log that every CI system has: plain lines, safe to show, without masked secrets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, TextIO

from studio_action.ci import files
from studio_action.ci.job import Job
from studio_action.text import escape_markup, printable, redact

SHORTEST_SECRET = 4
"""Characters: masking less would only make the log unreadable."""

_RED, _YELLOW, _PLAIN = "\x1b[31;1m", "\x1b[33;1m", "\x1b[0m"


class Console:
    """Lines for a stream. What a CI system can do beyond that is in its own module."""

    name: ClassVar[str]
    in_colour: bool = False

    def __init__(self, stream: TextIO, job: Job) -> None:
        self._stream = stream
        self._job = job
        self._secrets: defaultdict[int, set[str]] = defaultdict(set)

    def mask(self, secret: str) -> None:
        for line in lines_to_mask(secret):
            for spelling in (line, escape_markup(line)):  # the summary's spelling, too
                self._secrets[len(spelling)].add(spelling)

    def hide(self, text: str) -> str:
        for length in sorted(self._secrets, reverse=True):  # a secret may begin like another
            if length <= len(text):
                for secret in self._secrets[length]:
                    text = text.replace(secret, "***")
        return text

    def debug(self, text: str) -> None:
        if self._job.debug:
            self._write(f"debug: {self._safe(text)}")

    def info(self, text: str) -> None:
        if not self._job.quiet:
            self._write(self._safe(text))

    def warning(self, text: str) -> None:
        self._write(self._coloured(_YELLOW, f"warning: {self._safe(text)}"))

    def error(self, text: str) -> None:
        self._write(self._coloured(_RED, f"error: {self._safe(text)}"))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self.info(title)
        yield

    def summarize(self, markdown: str) -> None:
        """Do nothing: there is no summary page."""

    def describe(self, details: Mapping[str, str]) -> None:
        """Do nothing: outputs are for programs here."""

    def link(self, label: str, url: str) -> None:
        self.info(f"{label}: {redact(url)}")

    def _safe(self, text: str) -> str:
        return printable(self.hide(text))

    def _coloured(self, colour: str, line: str) -> str:
        return f"{colour}{line}{_PLAIN}" if self.in_colour else line

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def _hidden(self, outputs: Mapping[str, str]) -> dict[str, str]:
        return {name: self.hide(value) for name, value in outputs.items()}

    def _append_outputs(self, text: str) -> None:
        """Add `text` to the system's own file for outputs."""
        if self._job.output_file is None:
            self.warning(f"{self.name} gave no file for outputs; later steps get no outputs")
        else:
            files.append(self._job.output_file, text)


def lines_to_mask(secret: str) -> list[str]:
    """Return the lines of `secret` that are long enough to be masked."""
    lines = (line.strip() for line in secret.splitlines())
    return [line for line in lines if len(line) >= SHORTEST_SECRET]
