"""The pictures of the documentation, taken of the real thing: `make pictures`.

The real program downloads a model of the sample registry from a real server, as a step of GitHub
does. Its job summary is drawn with GitHub's Markdown and GitHub's styles, and the server's page as
a browser shows it; each in light and in dark.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Literal

from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
from playwright.sync_api import Browser, Page
from tests import sample
from tests.demo import local_repositories
from tests.servers import registry
from tests.servers.browser import chromium
from tests.servers.git import git_server

HERE = Path(__file__).parent
IMAGES = HERE.parent / "docs" / "images"
MODEL = "models/churn:churn"
EARLIER = "v1.0.0"
_STYLES = HERE / "node_modules/github-markdown-css/github-markdown.css"
_SHARPNESS = 2  # of a screen on which a pixel of CSS is two of its own

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "workspace").mkdir()
        with git_server(local_repositories(folder / "repositories")) as git:
            address = f"{git.url}/{registry.REPOSITORY}.git"
            server = registry.configured(folder / "server", address, sample.REMOTES)
            token = server.token()
            with server.serving(), chromium() as browser:
                environ = _job(folder, server.url, token)
                summary = _summary_of_a_step(folder, environ)
                page = _created_project(folder, environ)
                for scheme in SCHEMES:
                    _draw_summary(browser, summary, scheme)
                    _take_page(browser, server.url, token, page, scheme)


def _job(folder: Path, url: str, token: str) -> dict[str, str]:
    """Return the environment of a step on GitHub."""
    files = {
        name: str(folder / name)
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": registry.REPOSITORY,
        "GITHUB_WORKSPACE": str(folder / "workspace"),
        "DVC_STUDIO_URL": url,
        "DVC_STUDIO_TOKEN": token,
        **files,
    }


def _run(folder: Path, environ: dict[str, str], *command: str) -> None:
    subprocess.run(
        [registry.PROGRAM, *command],
        cwd=folder / "workspace",
        env=environ,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _summary_of_a_step(folder: Path, environ: dict[str, str]) -> str:
    """Return the summary of a deploy that is not the first one."""
    options = ("--model", MODEL, "--dest", "model")
    page = Path(environ["GITHUB_STEP_SUMMARY"])
    _run(folder, environ, "download-model", *options, "--version", EARLIER)
    page.unlink()
    _run(folder, environ, "download-model", *options, "--stage", "prod")
    return page.read_text("utf-8")


def _created_project(folder: Path, environ: dict[str, str]) -> str:
    """Create a project as people see it; return the URL of its page."""
    outputs = folder / "project.json"
    options = ("--project-name", "Models of Acme", "--output-json", str(outputs))
    _run(folder, environ, "create-project", *options)
    url: str = json.loads(outputs.read_text())["project-url"]
    return url


def _draw_summary(browser: Browser, summary: str, scheme: Scheme) -> None:
    # GitHub lets links and code pass, which a summary has as HTML.
    article = github_flavored_markdown_to_html(summary, Options.CMARK_OPT_UNSAFE)
    document = f"""<!doctype html><meta charset="utf-8"><title>Summary</title>
    <style>{_STYLES.read_text()}</style>
    <style>
      body {{ margin: 0; background: light-dark(#fff, #0d1117); color-scheme: light dark; }}
      main {{ display: inline-block; padding: 20px 24px; max-width: 1000px; }}
      .markdown-body {{ font: 14px/1.5 "Liberation Sans", sans-serif; }}
    </style>
    <main><article class="markdown-body">{article}</article></main>"""
    page = _window(browser, scheme, width=1048)
    page.set_content(document)
    page.locator("main").screenshot(path=IMAGES / f"summary-{scheme}.png")
    page.context.close()


def _take_page(browser: Browser, url: str, token: str, project: str, scheme: Scheme) -> None:
    page = _window(browser, scheme, width=1048)
    page.goto(f"{url}/")
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", level=1).wait_for()
    page.goto(project)
    page.get_by_role("heading", level=1).wait_for()
    page.screenshot(path=IMAGES / f"registry-{scheme}.png")
    page.context.close()


def _window(browser: Browser, scheme: Scheme, width: int) -> Page:
    size = {"width": width, "height": 720}
    context = browser.new_context(
        viewport=size, device_scale_factor=_SHARPNESS, color_scheme=scheme
    )
    return context.new_page()


if __name__ == "__main__":
    main()
