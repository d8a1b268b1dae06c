"""What the pages look like in a real Chromium: three sizes, light and dark, and to a screen reader.

`KEEP_PICTURES=1` keeps new pictures instead of comparing; look at them before you commit them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from studio_action.server.access import Token
from studio_action.server.web import sessions
from tests.server.site import Site, site
from tests.server.web import gallery, pictures
from tests.server.web.versions import versions
from tests.servers.browser import chromium, tab

pytestmark = pytest.mark.servers

AXE = Path(__file__).parents[2] / "tools/node_modules/axe-core/axe.min.js"
KEPT = Path(__file__).with_name("pictures")
SIZES = {"phone": (360, 740), "tablet": (768, 1024), "desktop": (1280, 900)}
PAGES = ("models", "project", "model", "stage", "history", "projects", "version", "compare")
WITH_AXE = (("phone", "light"), ("desktop", "dark"))
"""Where axe looks at every page, as it takes a second for each."""
PICTURED = ("models", "model", "version", "compare")


@dataclass(frozen=True)
class Gallery:
    """The address of each page, and the cookie of somebody who may see it, by its name."""

    addresses: dict[str, str]
    cookies: list[dict[str, str]]


def session(here: Site, token: Token) -> dict[str, str]:
    value = sessions.sign(token.id, here.services.keys.current(), here.calendar())
    return {"name": sessions.COOKIE, "value": value, "url": here.url}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "tags").mkdir()
    with site(folder / "tags") as here, versions(folder) as real:
        path = f"{here.url}/{gallery.furnish(here)}"
        of_version = f"{real.here.url}/{real.path}"
        addresses = {
            "models": f"{here.url}/models",
            "projects": f"{here.url}/",
            "project": path,
            "model": f"{path}?model=models/churn:chu/rn",
            "stage": f"{path}/stage?model=churn&stage=prod",
            "history": f"{path}/history",
            "version": f"{of_version}/version?model=churn&version=v1.1.0",
            "compare": f"{of_version}/compare?model=churn&from=v1.0.0&to=v1.1.0",
        }
        auditor = real.here.services.tokens.create(
            "ada", scopes=["model-registry", "audit"], repositories=["acme/models"], expires=None
        )[1]
        ada = here.token("acme/models", name="ada")[1]
        # One cookie jar for both: browsers do not tell ports of a host apart.
        yield Gallery(addresses, [session(here, ada), session(real.here, auditor)])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def open_page(page: Page, shown: Gallery, name: str) -> None:
    page.context.clear_cookies()
    page.context.add_cookies([shown.cookies[name in ("version", "compare")]])  # type: ignore[list-item]
    page.goto(shown.addresses[name])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages__at_each_size(size: str, scheme: str, browser: Browser, shown: Gallery) -> None:
    width, height = SIZES[size]
    window = {"width": width, "height": height}
    with tab(
        browser, viewport=window, color_scheme=scheme, locale="en-GB", timezone_id="UTC"
    ) as it:
        with_axe = (size, scheme) in WITH_AXE
        for name in PAGES if with_axe else PICTURED:
            open_page(it.page, shown, name)
            assert it.page.evaluate("document.documentElement.scrollWidth") == width, name
            if with_axe:
                assert found_by_axe(it.page) == [], name
            if name in PICTURED:
                check_picture(it.page, f"{name}-{size}-{scheme}")


def found_by_axe(page: Page) -> list[str]:
    """What axe finds (https://github.com/dequelabs/axe-core), best practices included."""
    assert AXE.exists(), "Run `npm ci --prefix tests/tools` first"
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def check_picture(page: Page, name: str) -> None:
    """Compare the page with its kept picture, or keep it."""
    png, kept = page.screenshot(full_page=True), KEPT / f"{name}.png"
    if os.environ.get("KEEP_PICTURES"):
        pictures.keep(png, kept)
    likeness = pictures.compare(png, kept)
    assert likeness.is_close, (name, likeness)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param("link[rel=stylesheet]{} ", id="no styles"),
        pytest.param("main{margin-left:40%}", id="another place"),
        pytest.param("tbody tr:nth-child(2n){display:none}", id="half of the rows"),
        pytest.param("body,.card{background:#222}", id="another colour"),
    ],
)
def test_pictures__can_fail(harm: str, browser: Browser, shown: Gallery) -> None:
    with tab(browser, viewport={"width": 1280, "height": 900}, bypass_csp=True) as it:
        open_page(it.page, shown, "models")
        if harm.startswith("link"):
            it.page.evaluate("document.querySelector('link[rel=stylesheet]').remove()")
        else:
            it.page.add_style_tag(content=harm)

        found = pictures.compare(
            it.page.screenshot(full_page=True), KEPT / "models-desktop-light.png"
        )

    assert not found.is_close, found


def test_axe__can_fail(browser: Browser, shown: Gallery) -> None:
    with tab(browser) as it:
        open_page(it.page, shown, "models")
        it.page.evaluate("document.querySelectorAll('label').forEach(each => each.remove())")

        assert any(each.startswith(("label", "select-name")) for each in found_by_axe(it.page))


def test_times__are_in_the_readers_zone(browser: Browser, shown: Gallery) -> None:
    with tab(browser, timezone_id="Asia/Tokyo", locale="en-GB") as it:
        open_page(it.page, shown, "stage")
        time = it.page.locator("tbody time").first

        assert time.inner_text() == "24 Mar 2026, 00:00"
        assert time.get_attribute("title") == "23 Mar 2026, 15:00 UTC"
        assert "8 months ago" in it.page.inner_text("tbody")
