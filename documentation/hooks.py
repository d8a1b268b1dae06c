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
_PAGES = "docs/"

log = logging.getLogger("mkdocs.hooks")


def on_config(config: Any) -> Any:
    """Name the anchors of headings as GitHub does."""
    config.mdx_configs["toc"]["slugify"] = slugify(case="lower")
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Return the page with its links out of `docs/` leading to the repository."""
    folder = posixpath.dirname(_PAGES + page.file.src_uri)

    def replaced(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[1]))
        if path.startswith(_PAGES) or path == "docs":
            return link[0]
        if path.startswith("..") or not (ROOT / path).exists():
            log.warning("%s: the repository has no file %s", page.file.src_uri, path)
        return f"{config.repo_url}/blob/main/{path}{link[2] or ''}"

    return _LINK.sub(replaced, markdown)
