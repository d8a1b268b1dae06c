"""Hooks of MkDocs: https://www.mkdocs.org/user-guide/configuration/#hooks

The pages in `docs/` are read on GitHub, too. So a link may lead to any file of the repository; on
the site, which has the pages alone, it leads to the repository.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from pymdownx.slugs import slugify

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<=\]\()(\.\./[^)\s#]*)(#[^)\s]*)?(?=\))")
_FAR = re.compile(
    r"<(?:script|img|iframe)[^>]*\ssrc=\"(https?:[^\"]*)|rel=\"stylesheet\"[^>]*(https?:[^\"]*)"
)
_PAGES = "docs/"

log = logging.getLogger("mkdocs.hooks")


def on_config(config: Any) -> Any:
    """Name the anchors of headings as GitHub does."""
    config.mdx_configs["toc"]["slugify"] = slugify(case="lower")
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Return the page with its links out of `docs/` leading to the repository.

    The home page has the whole width.
    """
    folder = posixpath.dirname(_PAGES + page.file.src_uri)

    def replaced(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[1]))
        if path.startswith(_PAGES) or path == "docs":
            return link[0]
        if path.startswith("..") or not (ROOT / path).exists():
            log.warning("%s: the repository has no file %s", page.file.src_uri, path)
        return f"{config.repo_url}/blob/main/{path}{link[2] or ''}"

    if page.is_homepage:
        page.meta["hide"] = ["navigation", "toc"]
    return _LINK.sub(replaced, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Warn of what a reader's browser would get from another host; return the page as it is."""
    if far := _FAR.search(output):
        log.warning("%s: it loads %s", page.file.src_uri, far[1] or far[2])
    if 'data-md-component="source"' in output:
        log.warning("%s: the link to the repository asks its host for stars", page.file.src_uri)
    return output
