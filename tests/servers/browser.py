"""A real Chromium without a window, and what goes wrong in its tabs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = "/usr/bin/chromium"
FAR_HOST = "registry.test"
"""Leads to loopback as well, but is no secure context over http, as other machines are not."""

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP {FAR_HOST} 127.0.0.1, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, until the block ends; it fails where Chromium is not installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """A tab of a window of its own; `complaints` are errors of scripts, policies and loading."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@contextlib.contextmanager
def tab(browser: Browser, **window: Any) -> Iterator[Tab]:
    """A new tab with no cookies, which must have nothing to complain of in the end."""
    context = browser.new_context(**window)
    try:
        opened = Tab(context.new_page())
        opened.page.set_default_timeout(10_000)
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on(
            "console",
            lambda message: (
                opened.complaints.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )
        yield opened
        assert opened.complaints == []
    finally:
        context.close()
