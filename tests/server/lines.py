"""A log that a test reads back."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from typing import Any

from studio_action.server.log import Log

NOW = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=timezone.utc)


class Lines:
    """What a log wrote: its text, and each line as an object."""

    def __init__(self) -> None:
        self.text = ""
        self._written = threading.Condition()
        self.log = Log(self._write, lambda: NOW)

    def _write(self, line: str) -> None:
        assert line.endswith("\n")
        assert "\n" not in line[:-1]
        with self._written:
            self.text += line
            self._written.notify_all()

    def wait_for(self, message: str, count: int = 1) -> None:
        """Until so many lines with this message were written, by whatever thread."""
        with self._written:
            assert self._written.wait_for(
                lambda: sum(line["message"] == message for line in self.all) >= count, 10
            )

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]
