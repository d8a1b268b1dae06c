"""The pages in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from studio_action.server.openid.provider import LogInSettings
from studio_action.server.settings import PagesSettings
from studio_action.server.token_exchange.issuers import TrustedIssuer
from tests.oidc.issuer import Client, issuer
from tests.server.calendar import Calendar
from tests.server.loopback import served
from tests.server.site import Site, catalogue, day, site, tag
from tests.server.token_exchange.trusting import rule
from tests.servers.browser import FAR_HOST, chromium, tab

pytestmark = pytest.mark.servers

LONG = "a-model-with-a-name-that-is-longer-than-any-screen-of-a-phone-could-ever-show-in-a-line"
REFS = (
    *(tag(f"churn@v1.{number}.0", "1", day(1, number)) for number in range(22)),
    tag("churn#prod#1", "1", day(3), by="Grace Example"),
    tag(f"{LONG}@v1.0.0-rc.1+{LONG}", "2", day(4), by="W" * 150),
    tag(f"{LONG}#{LONG}", "2", day(5), by="<script>alert(1)</script>"),
    tag("old@v1.0.0", "3", day(6)),
    tag("old@deprecated", "3", day(7)),
)
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as running:
        running.models.answers["acme/models"] = catalogue(running.calendar(), *REFS)
        running.project("Churn models", public=True)
        yield running


def log_in(page: Page, here: Site, url: str = "") -> str:
    """Log in as people do; gives the id of the token."""
    text, token = here.token("acme/models", name="ada")
    page.goto(f"{url or here.url}/")
    page.get_by_label("Access token").fill(text)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    return token.id


def open_project(page: Page) -> None:
    page.get_by_role("link", name="Churn models").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Churn models")


def open_model(page: Page) -> None:
    open_project(page)
    page.get_by_role("link", name="churn", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("churn")


def test_browser__from_the_log_in_to_a_snippet_and_out(browser: Browser, here: Site) -> None:
    with tab(browser, permissions=["clipboard-read", "clipboard-write"]) as opened:
        page = opened.page
        log_in(page, here)
        open_model(page)
        expect(page.get_by_role("row", name="prod v1.21.0")).to_contain_text("by Grace Example")

        page.get_by_role(
            "button", name="Copy CI snippet: churn, stage prod, GitHub Actions"
        ).click()

        expect(page.get_by_role("status")).to_contain_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert f"    studio-url: {here.url}\n    repo: acme/models\n" in copied
        assert "    model: churn\n    stage: prod\n" in copied
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Access token")).to_be_visible()
        page.goto(f"{here.url}/")
        expect(page.get_by_label("Access token")).to_be_visible()


def test_browser__the_snippet_of_another_ci_and_stage(browser: Browser, here: Site) -> None:
    with tab(browser) as opened:
        page = opened.page
        log_in(page, here)
        open_model(page)
        page.get_by_role("link", name="GitLab CI/CD").click()
        page.get_by_role("link", name="the latest version").click()

        expect(page.get_by_role("link", name="GitLab CI/CD")).to_have_attribute(
            "aria-current", "true"
        )
        snippet = page.locator("pre code").inner_text()
        assert "download-job: fetch-model" in snippet
        assert "stage" not in snippet


def test_browser__a_revoked_token_at_the_next_click(browser: Browser, here: Site) -> None:
    with tab(browser) as opened:
        page = opened.page
        id = log_in(page, here)

        here.services.tokens.revoke(id)

        page.get_by_role("button", name="Search").click()
        expect(page.get_by_label("Access token")).to_be_visible()


def test_browser__a_wrong_token(browser: Browser, here: Site) -> None:
    with tab(browser) as opened:
        page = opened.page
        page.goto(f"{here.url}/login")
        page.keyboard.type("isat_wrong")
        page.keyboard.press("Enter")

        expect(page.get_by_role("alert")).to_contain_text("The token is not valid")
        opened.complaints.remove(
            "Failed to load resource: the server responded with a status of 403 (Forbidden)"
        )


def test_browser__from_another_machine_without_tls(browser: Browser, here: Site) -> None:
    far = here.url.replace("127.0.0.1", FAR_HOST)
    with tab(browser) as opened:
        page = opened.page
        log_in(page, here, far)
        open_model(page)
        assert page.evaluate("window.isSecureContext") is False

        page.get_by_role("button", name="Copy CI snippet: churn").click()

        expect(page.get_by_role("status")).to_contain_text("Selected")
        selected = page.evaluate("getSelection().toString()")
        assert "model: churn\n" in selected
        assert f"studio-url: {far}\n" in selected


def test_browser__by_a_link_on_another_site(browser: Browser, here: Site) -> None:
    path = here.project("Hidden plans", subdir="x").path

    def link(request: Request) -> HTMLResponse:
        return HTMLResponse(
            f'<link rel="icon" href="data:,"><a href="{here.url}/{path}">the project</a>'
        )

    with served(Starlette(routes=[Route("/", link)])) as elsewhere, tab(browser) as opened:
        page = opened.page
        log_in(page, here)
        page.goto(elsewhere.replace("127.0.0.1", "localhost"))
        page.get_by_role("link", name="the project").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Hidden plans")


def test_browser__without_scripts(browser: Browser, here: Site) -> None:
    with tab(browser, java_script_enabled=False) as opened:
        page = opened.page
        log_in(page, here)
        open_model(page)

        expect(page.get_by_role("row", name="prod v1.21.0")).to_be_visible()
        expect(page.locator("button.copy").first).to_be_hidden()
        expect(page.locator("pre").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_browser__on_a_phone(scheme: str, browser: Browser, here: Site) -> None:
    phone = {"width": 360, "height": 740}
    with tab(browser, viewport=phone, color_scheme=scheme) as opened:
        page = opened.page
        page.goto(f"{here.url}/login")
        assert (width(page), faint(page)) == (360, [])
        log_in(page, here)
        assert (width(page), faint(page)) == (360, [])
        open_project(page)
        assert (width(page), faint(page)) == (360, [])
        page.get_by_role("link", name=LONG).click()
        assert (width(page), faint(page)) == (360, [])
        assert page.get_by_text("by <script>alert(1)</script>").count() == 2


def width(page: Page) -> object:
    return page.evaluate("document.documentElement.scrollWidth")


def faint(page: Page) -> object:
    """Texts whose contrast is below that of WCAG's level AA."""
    return page.evaluate(CONTRAST)


def test_browser__by_keyboard(browser: Browser, here: Site) -> None:
    with tab(browser) as opened:
        page = opened.page
        log_in(page, here)

        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("nothing like it")
        page.keyboard.press("Enter")

        expect(page.get_by_text("No matching projects.")).to_be_visible()


def test_browser__logs_in_at_a_provider_of_another_site(browser: Browser, tmp_path: Path) -> None:
    url = f"http://{FAR_HOST}"
    with issuer("/realms/acme", lambda: Calendar()().timestamp()) as provider:
        client = provider.client = Client("models", f"{url}/login/callback")
        rules = (rule({"email": "*@example.org"}, repositories=frozenset({"acme/models"})),)
        trusted = TrustedIssuer(provider.url, "Acme", frozenset({"models"}), rules)
        with (
            site(tmp_path, url=url, pages=PagesSettings(LogInSettings(trusted, "models"))) as here,
            tab(browser) as opened,
        ):
            page, address = opened.page, here.url.replace("127.0.0.1", FAR_HOST)
            client.lands = f"{address}/login/callback"  # as the proxy at the public address does
            page.goto(f"{address}/?q=models")
            page.get_by_role("link", name="Log in with Acme").click()

            expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
            assert page.url == f"{address}/?q=models"
            page.get_by_role("button", name="Log out").click()
            expect(page.get_by_role("link", name="Log in with Acme")).to_be_visible()
            assert page.evaluate(CONTRAST) == []
