from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_action.server.web import markdown
from studio_action.text import has_hidden_characters

LOADS = {"src", "srcset", "style", "poster", "background", "data", "action", "formaction"}
HARMLESS = {"http", "https", "mailto"}


class Elements(HTMLParser):
    """What a browser would make of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((name, dict(attributes)))


def check_harmless(html: str) -> None:
    """Fail for HTML that runs, loads or hides anything, or looks like the page's own."""
    for name, attributes in Elements(html).found:
        assert name in markdown._TAGS
        assert attributes.keys() <= {"href", "rel", "start"}
        if href := attributes.get("href"):
            assert href.partition(":")[0].lower() in HARMLESS
            assert attributes["rel"] == "nofollow noopener noreferrer"
    assert not has_hidden_characters(html.replace("\n", " ").replace("\t", " "))


def rendered(text: str) -> str:
    return str(markdown.render(text.encode()))


def test_card__what_people_write() -> None:
    card = (
        "---\nlicense: mit\n---\n# Churn\n\nPredicts *churn*, ~~badly~~ well.\n\n"
        "| metric | value |\n|---|---|\n| AUC | 0.9 |\n\n1. [Paper](https://example.org/p?a=1&b=2)\n"
        "\n```python\nprint(1 < 2)\n```\n"
    )

    html = rendered(card)

    check_harmless(html)
    assert "license" not in html
    assert "<h3>Churn</h3>" in html
    assert "<em>churn</em>, <s>badly</s>" in html
    assert "<td>0.9</td>" in html
    assert 'href="https://example.org/p?a=1&amp;b=2"' in html
    assert "print(1 &lt; 2)" in html


def test_card__headings_are_below_those_of_the_page() -> None:
    html = rendered("# a\n\n###### b\n\n<h1>c</h1>\n")

    assert re.findall(r"<h\d", html) == ["<h3", "<h6"]
    assert "c" in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=https://evil.test/x onerror=alert(1)>",
        "![x](https://evil.test/pixel.png)",
        '![x" onerror="alert(1)](javascript:alert(1))',
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&colon;alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](/logout)",
        "[x](//evil.test/)",
        "[x](../../login?next=/)",
        "<a href='https://[evil'>x</a>",
        "<https://evil.test/'onclick='alert(1)>",
        "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<style>body{display:none}</style>",
        "<form action=/login><input name=token></form><button>x</button>",
        "<iframe src=https://evil.test></iframe><object data=x></object><embed src=x>",
        "<base href=https://evil.test/><meta http-equiv=refresh content=0><link rel=stylesheet>",
        "<p id=content class=card style='position:fixed' tabindex=1 role=alert>x</p>",
        "<a href=https://evil.test onmouseover=alert(1) target=_self>x</a>",
        "</section></main></body><h1>Log in</h1>",
        "a\u202eb &#x202e;c &#x2066; &zwj; \x1b[31m\x00",
        "<!--><img src=x onerror=alert(1)>-->",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "{{ 7907*7919 }}{% raw %}",
    ],
)
def test_card__is_harmless(text: str) -> None:
    html = rendered(text)

    check_harmless(html)
    assert "62615533" not in html
    assert not LOADS & {name for _, told in Elements(html).found for name in told}


PIECES = ("<", ">", "</", "[", "](", ")", "![", "`", "\n", "|", "*", "javascript:", "&#", ";", '"')
WORDS = ("script", "svg", "a href=", "img src=x ", "onerror=", "<!--", "-->", "\u202e", "x")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES + WORDS), max_size=40).map("".join))
def test_card__whatever_is_written(text: str) -> None:
    check_harmless(rendered(text))


N = markdown.LARGEST


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * N, id="brackets"),
        pytest.param("![" * (N // 2), id="pictures"),
        pytest.param("*a_ " * (N // 4), id="emphasis"),
        pytest.param("|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + "|a\n" * 20000, id="a table"),
        pytest.param("<b><p>" * (N // 6), id="tags that are never closed"),
        pytest.param("a\n***\n" * (N // 6), id="lines"),
        pytest.param("[" * (N + 1), id="its size"),
    ],
)
def test_card__too_long_to_be_shown(text: str) -> None:
    began = time.thread_time()

    with pytest.raises(markdown.TooLong):
        markdown.render(text[: N + 1].encode())

    assert time.thread_time() - began < 2  # far more than it takes; without limits, it is more


def test_card__of_another_encoding() -> None:
    assert "caf�" in str(markdown.render(b"caf\xe9"))
