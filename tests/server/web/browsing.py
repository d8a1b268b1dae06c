"""A browser without scripts: it logs in, gets pages, and fails for HTML that is not well-formed."""

from __future__ import annotations

from html.parser import HTMLParser

import requests

from studio_action.server.access import Token
from studio_action.server.web import sessions
from tests.server.site import Site

VOID = {"meta", "link", "img", "input", "br", "wbr"}


class Page(HTMLParser):
    """A page as a browser has it: its elements, and the text in all of them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.within_word = "", False
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        self.within_word = name == "wbr"
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, text: str) -> None:
        between = "" if self.within_word else " "
        self.text = " ".join(f"{self.text}{between}{text}".split())
        self.within_word = False

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == name]

    def links(self) -> list[str | None]:
        return [link["href"] for link in self.all("a")]


class Browser:
    """Somebody with a browser, who may have logged in."""

    def __init__(self, here: Site, session: requests.Session) -> None:
        self.here, self.session = here, session

    def enters(self, token: Token) -> Browser:
        key, now = self.here.services.keys.current(), self.here.calendar()
        self.session.cookies.set(sessions.COOKIE, sessions.sign(token.id, key, now))
        return self

    def answer(self, path: str, method: str = "GET") -> requests.Response:
        address = f"{self.here.url}/{path}"
        return self.session.request(method, address, allow_redirects=False, timeout=10)

    def page(self, path: str = "", status: int = 200) -> Page:
        answer = self.answer(path)
        assert answer.status_code == status
        return Page(answer.text)
