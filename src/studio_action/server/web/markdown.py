"""Renders model cards: Markdown that anybody may have written, as HTML that does nothing. Pure.

What is left are texts, lists, tables and links. Nothing is loaded, runs, or looks like the page's
own controls: nh3 sees to that, which parses as browsers do (https://github.com/rust-ammonia/ammonia).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from studio_action.text import has_hidden_characters

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LARGEST = 64 << 10
"""Bytes of a card; most have a tenth of that."""
LARGEST_HTML = 100_000
"""Characters of what a card becomes."""
_DEEPEST = 200
"""Open tags at once: parsers of HTML take the square of them."""
_MOST_SIGNS = {"[": 4000, "*": 8000, "_": 8000, "~": 8000, "<": 8000, "-": 20_000}
"""Parsers of Markdown take the square of some signs."""
_MOST_CELLS = 20_000
"""Of tables: rows that end early are made as long as the longest."""

_TAGS = frozenset(
    [
        *("a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "dl", "dt", "em"),
        *("h3", "h4", "h5", "h6", "hr", "i", "kbd", "li", "ol", "p", "pre", "q", "s", "samp"),
        *("small", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr"),
        *("u", "ul", "var"),
    ]
)
_SCHEMES = frozenset({"http", "https", "mailto"})
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_FRONT_MATTER = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n.*?\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL
)
_TAG = re.compile(r"<(/?)[a-zA-Z]")
_FIRST_HEADING = 3
"""The level of a card's first headings: the page itself has those above."""


class TooLong(Exception):
    """The card is too long to be shown on a page."""


def render(content: bytes) -> Markup:
    """Return the HTML of a card, without the metadata before it; raise `TooLong`."""
    import nh3

    if len(content) > LARGEST:
        raise TooLong
    text = _FRONT_MATTER.sub("", content.decode("utf-8", "replace"), count=1)
    if not _is_cheap(text):
        raise TooLong
    html = _parser().render(text)
    if len(html) > 2 * LARGEST_HTML or _depth(html) > _DEEPEST:
        raise TooLong
    clean = nh3.clean(
        html,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=set(_SCHEMES),
        link_rel="nofollow noopener noreferrer",
    )
    if len(clean) > LARGEST_HTML:
        raise TooLong
    return Markup(_visible(clean))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.core.ruler.push("headings", lambda state: _lower_headings(state.tokens))
    parser.add_render_rule("image", _picture)
    return parser


def _is_cheap(text: str) -> bool:
    """Return whether parsing takes a fraction of a second."""
    lines = text.splitlines()
    widest = max((line.count("|") for line in lines), default=0)
    few = all(text.count(sign) <= most for sign, most in _MOST_SIGNS.items())
    return few and widest * len(lines) <= _MOST_CELLS


def _lower_headings(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + _FIRST_HEADING - 1, 6)}"


def _picture(_: object, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """Return what a picture shows, in words: pages load nothing from elsewhere."""
    return str(escape(tokens[index].content))


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value of an attribute; None for links within a repository, which lead nowhere."""
    if name == "rel":  # which is ours
        return value
    if name != "href":
        return value if value.isascii() and value.isdecimal() and len(value) < 10 else None
    try:
        return value if urlsplit(value).scheme in _SCHEMES else None
    except ValueError:
        return None


def _depth(html: str) -> int:
    """Return at most how many tags are open at once; those that need no end count as open."""
    depth = deepest = 0
    void = re.compile(r"<(br|hr|img)\b", re.IGNORECASE)
    for match in _TAG.finditer(void.sub("", html)):
        depth += -1 if match[1] else 1
        deepest = max(deepest, depth)
    return deepest


def _visible(text: str) -> str:
    """Return `text` with a mark for each character that turns or hides what is around it."""
    return "".join(
        "�" if char not in "\n\t" and has_hidden_characters(char) else char for char in text
    )
