"""What threads of one run have to say, held until the main thread says it: whole, and in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Literal

from studio_action.ci.base import Platform

Line = tuple[Literal["debug", "info", "warning", "error", "group", "end"], str]


class HeldPlatform:
    """Holds lines back, for one thread; implements `ci.base.Platform`.

    Secrets are masked at once. `lock` is shared by all that hold lines for one `platform`.
    """

    def __init__(self, platform: Platform, lock: Lock) -> None:
        self._platform, self._lock = platform, lock
        self._lines: list[Line] = []

    @property
    def name(self) -> str:
        return self._platform.name

    def take(self) -> list[Line]:
        """Return the lines so far, which are no longer held."""
        lines, self._lines = self._lines, []
        return lines

    def mask(self, secret: str) -> None:
        with self._lock:
            self._platform.mask(secret)

    def hide(self, text: str) -> str:
        with self._lock:
            return self._platform.hide(text)

    def debug(self, text: str) -> None:
        self._lines.append(("debug", text))

    def info(self, text: str) -> None:
        self._lines.append(("info", text))

    def warning(self, text: str) -> None:
        self._lines.append(("warning", text))

    def error(self, text: str) -> None:
        self._lines.append(("error", text))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self._lines.append(("group", title))
        try:
            yield
        finally:
            self._lines.append(("end", ""))

    def describe(self, details: Mapping[str, str]) -> None:
        """Leave them out: they are about one model."""

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        self._platform.publish(outputs, prefix)

    def summarize(self, markdown: str) -> None:
        self._platform.summarize(markdown)

    def link(self, label: str, url: str) -> None:
        self._platform.link(label, url)


def replay(lines: Sequence[Line], platform: Platform) -> None:
    """Say on `platform` what was held."""
    with ExitStack() as group:
        for kind, text in lines:
            match kind:
                case "group":
                    group.enter_context(platform.group(text))
                case "end":
                    group.close()
                case _:
                    getattr(platform, kind)(text)
