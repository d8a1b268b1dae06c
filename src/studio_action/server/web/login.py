"""How people get in with a token, and out again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from studio_action.server.access import Token
from studio_action.server.db.tokens import InvalidToken
from studio_action.server.parts import Parts
from studio_action.server.web import sessions
from studio_action.server.web.rendering import HEADERS, Rendering

_LONGEST_FORM = 8192
_FOREIGN = "That form was not sent from this page. Try again here."
_INVALID = "That token is not valid: it is wrong, or it was revoked or has expired."
_SCOPE = "That token is not for reading models: it lacks the scope model-registry."


@dataclass(frozen=True, slots=True)
class Login:
    """The log-in of the server that `parts` make."""

    parts: Parts
    rendering: Rendering

    def visitor(self, request: Request) -> Token | None:
        """Whose session it is; None without one, or where its token reads models no more."""
        text, now = request.cookies.get(sessions.COOKIE, ""), self.parts.utc()
        id = sessions.token_of(text, self.parts.keys.secret, now)
        token = self.parts.tokens.by_id(id) if id else None
        if token is None or not token.valid(now) or "model-registry" not in token.scopes:
            return None
        request.state.token = token  # for the access log
        return token

    def form(self, request: Request) -> Response:
        """The page that asks for a token."""
        return self._asked(own_path(request.query_params.get("next", ""), self._base))

    def first(self, request: Request) -> Response:
        """The way to the log-in, and from there to what was asked for.

        Whoever comes by a link on another site has left the session's cookie behind, which is only
        for our own pages; so one of these asks again first.
        """
        query = request.scope["query_string"].decode("latin-1")
        address = quote(request.scope["path"]) + (f"?{query}" if query else "")
        door = f"{self._base}/login?next={quote(address, safe='/')}"
        if sessions.COOKIE in request.cookies:
            return self._left(request, door)
        if request.headers.get("sec-fetch-site") == "cross-site":
            return self.rendering.page("through.html", None, address=address)
        return RedirectResponse(door, 303, HEADERS)

    async def enter(self, request: Request) -> Response:
        """Let in whoever shows a token that reads models."""
        text = (await request.body())[:_LONGEST_FORM].decode("utf-8", "replace")
        return await run_in_threadpool(self._entered, request, parse_qs(text))

    def leave(self, request: Request) -> Response:
        """End the session of this browser."""
        if not self._from_here(request):
            return self._asked(own_path("", self._base), _FOREIGN)
        return self._left(request, f"{self._base}/login")

    def _entered(self, request: Request, fields: Mapping[str, list[str]]) -> Response:
        wanted = own_path(fields.get("next", [""])[0], self._base)
        if not self._from_here(request):
            return self._asked(wanted, _FOREIGN)
        try:
            token = self.parts.tokens.of(fields.get("token", [""])[0].strip())
        except InvalidToken as error:
            request.state.refused = (
                error.reason
            )  # for the access log, and for how often one may try
            return self._asked(wanted, _INVALID)
        if "model-registry" not in token.scopes:
            request.state.refused = "scope"
            return self._asked(wanted, _SCOPE)
        request.state.token = token
        value = sessions.signed(token.id, self.parts.keys.current(), self.parts.utc())
        return self._sent(request, wanted, value, int(sessions.LIFETIME.total_seconds()))

    def _asked(self, wanted: str, refusal: str = "") -> Response:
        status = 403 if refusal else 200
        return self.rendering.page("login.html", None, status=status, next=wanted, refusal=refusal)

    def _left(self, request: Request, to: str) -> Response:
        return self._sent(request, to, "", 0)

    def _sent(self, request: Request, to: str, cookie: str, age: int) -> Response:
        """A redirect `to` a path of this server, with a cookie that lives `age` seconds."""
        answer = RedirectResponse(to, 303, HEADERS)
        answer.set_cookie(
            sessions.COOKIE,
            cookie,
            max_age=age,
            path=self._base or "/",
            secure="https" in (request.url.scheme, urlsplit(self.parts.settings.url).scheme),
            httponly=True,
            samesite="strict",
        )
        return answer

    def _from_here(self, request: Request) -> bool:
        hosts = {request.headers.get("host"), urlsplit(self.parts.settings.url).netloc}
        return is_from_here(request.headers, [host for host in hosts if host])

    @property
    def _base(self) -> str:
        return self.parts.settings.base_path


def own_path(text: str, base_path: str) -> str:
    """`text` if it is a path of this server, else that of its first page."""
    home = f"{base_path}/"
    plain = text.isprintable() and not {" ", "\\"} & set(text)
    return text if plain and text.startswith(home) and not text.startswith("//") else home


def is_from_here(headers: Mapping[str, str], hosts: Collection[str]) -> bool:
    """Whether a browser says that a form was sent from a page of one of our `hosts`.

    What says nothing is refused: every browser sends one of the two
    (https://www.w3.org/TR/fetch-metadata/, https://fetch.spec.whatwg.org/#origin-header).
    """
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = headers.get("origin", "")
    return any(origin in (f"https://{host}", f"http://{host}") for host in hosts)
