"""The API's pages in a real browser, without the internet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.sample_registry import registry
from tests.servers.browser import chromium, tab


@pytest.mark.servers
@pytest.mark.parametrize("base_path", ["", "/studio"], ids=["at the root", "below a sub-path"])
def test_docs__every_endpoint_is_shown(base_path: str, tmp_path: Path) -> None:
    with (
        registry(tmp_path, base_path=base_path) as server,
        chromium() as browser,
        tab(browser) as opened,
    ):
        opened.page.goto(f"{server.url}/api/docs")
        opened.page.wait_for_selector(".opblock")

        shown = opened.page.locator(".opblock-summary-path").all_inner_texts()

    assert sorted(text.replace("\u200b", "") for text in shown) == [
        "/.well-known/oauth-authorization-server",
        "/api/create-project",
        "/api/model-registry/get-download-uris",
        "/api/model-registry/models",
        "/api/model-registry/resolve",
        "/api/oauth/token",
        "/api/webhook",
        "/healthz",
        "/readyz",
    ]


@pytest.mark.servers
def test_docs__an_endpoint_can_be_tried(tmp_path: Path) -> None:
    with registry(tmp_path) as server, chromium() as browser, tab(browser) as opened:
        page = opened.page
        page.goto(f"{server.url}/api/docs")
        page.locator("button.authorize").first.click()
        page.locator(".auth-container input").fill(f"token {server.token}")
        page.locator(".auth-container button.authorize").click()
        page.locator(".auth-container .btn-done").click()
        models = page.locator(
            "#operations-Model\\\\ registry-models, #operations-Model_registry-models"
        )
        models.locator(".opblock-summary-control").click()
        models.locator(".try-out__btn").click()
        models.locator("button.execute").click()
        answer = models.locator(".live-responses-table .response-col_status").last

        assert answer.inner_text().strip().startswith("200")
