"""Logs people in with an access token, and out again; `openid.py` has the way without one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from studio_action.server.access import Token
from studio_action.server.db.tokens import InvalidToken
from studio_action.server.services import Services
from studio_action.server.web import sessions
from studio_action.server.web.rendering import HEADERS, PageRenderer

_LONGEST_FORM = 8192
_CROSS_SITE = "The form was not sent from this page. Try again here."
_INVALID = "The token is not valid: it is wrong, revoked or expired."
_SCOPE = "The token cannot read models: it lacks the scope model-registry."


@dataclass(frozen=True, slots=True)
class Login:
    """The log-in page and the sessions."""

    services: Services
    renderer: PageRenderer

    def visitor(self, request: Request) -> Token | None:
        """Return the session's token; None without a session, or if the token is not valid now."""
        text, now = request.cookies.get(sessions.COOKIE, ""), self.services.utc()
        id = sessions.verify(text, self.services.keys.secret, now)
        token = self.services.tokens.by_id(id) if id else None
        if token is None or not token.valid(now) or "model-registry" not in token.scopes:
            return None
        request.state.token = token  # for the access log
        return token

    def form(self, request: Request) -> Response:
        """Return the page that asks for a token."""
        return self.page(request.query_params.get("next", ""))

    def redirect_to_login(self, request: Request) -> Response:
        """Redirect to the log-in, which leads back to this page.

        Browsers send the session's cookie only with requests from the server's own pages. So a
        visitor from another site first gets a page of ours that repeats the request.
        """
        query = request.scope["query_string"].decode("latin-1")
        address = quote(request.scope["path"]) + (f"?{query}" if query else "")
        login_url = f"{self._base_path}/login?next={quote(address, safe='/')}"
        if sessions.COOKIE in request.cookies:
            return self._end_session(request, login_url)
        if request.headers.get("sec-fetch-site") == "cross-site":
            return self.renderer.page("through.html", None, address=address)
        return RedirectResponse(login_url, 303, HEADERS)

    async def log_in(self, request: Request) -> Response:
        """Start a session if the form has a token that can read models."""
        text = (await request.body())[:_LONGEST_FORM].decode("utf-8", "replace")
        return await run_in_threadpool(self._log_in, request, parse_qs(text))

    def log_out(self, request: Request) -> Response:
        """End the session."""
        if not self._is_same_origin(request):
            return self.page("", _CROSS_SITE)
        visitor, log_in = self.visitor(request), self.services.openid.log_in
        if visitor is not None and log_in is not None and log_in.gave(visitor):
            self.services.tokens.revoke(visitor.id)  # nothing but the session uses it
        return self._end_session(request, f"{self._base_path}/login")

    def page(self, next_path: str, refusal: str = "", status: int = 0) -> Response:
        """Return the log-in page, which leads to `next_path` if that is a path of this server."""
        return self.renderer.page(
            "login.html",
            None,
            status=status or (403 if refusal else 200),
            next=local_path(next_path, self._base_path),
            refusal=refusal,
            provider=self.services.openid.log_in.name if self.services.openid.log_in else "",
        )

    def start_session_here(self, request: Request, token: Token, next_path: str) -> Response:
        """Start a session, and go on by a page of ours to a path of this server.

        A redirect would be the end of one that began at another site, and browsers would not send
        the session's cookie with it.
        """
        request.state.token = token
        address = local_path(next_path, self._base_path)
        response = self.renderer.page("through.html", None, address=address)
        value = sessions.sign(token.id, self.services.keys.current(), self.services.utc())
        return self._with_cookie(request, response, value, int(sessions.LIFETIME.total_seconds()))

    def is_secure(self, request: Request) -> bool:
        """Return whether browsers reach this server by https, here or at its public address."""
        return "https" in (request.url.scheme, urlsplit(self.services.settings.url).scheme)

    def _log_in(self, request: Request, fields: Mapping[str, list[str]]) -> Response:
        next_path = local_path(fields.get("next", [""])[0], self._base_path)
        if not self._is_same_origin(request):
            return self.page(next_path, _CROSS_SITE)
        try:
            token = self.services.tokens.authenticate(fields.get("token", [""])[0].strip())
        except InvalidToken as error:
            # For the access log, and for the limit of invalid tokens.
            request.state.refused = error.reason
            return self.page(next_path, _INVALID)
        if "model-registry" not in token.scopes:
            request.state.refused = "scope"
            return self.page(next_path, _SCOPE)
        request.state.token = token
        value = sessions.sign(token.id, self.services.keys.current(), self.services.utc())
        return self._redirect(request, next_path, value, int(sessions.LIFETIME.total_seconds()))

    def _end_session(self, request: Request, to: str) -> Response:
        return self._redirect(request, to, "", 0)

    def _redirect(self, request: Request, to: str, cookie: str, age: int) -> Response:
        """Return a redirect `to` a path of this server, with a cookie valid for `age` seconds."""
        return self._with_cookie(request, RedirectResponse(to, 303, HEADERS), cookie, age)

    def _with_cookie(self, request: Request, response: Response, cookie: str, age: int) -> Response:
        response.set_cookie(
            sessions.COOKIE,
            cookie,
            max_age=age,
            path=self._base_path or "/",
            secure=self.is_secure(request),
            httponly=True,
            samesite="strict",
        )
        return response

    def _is_same_origin(self, request: Request) -> bool:
        hosts = {request.headers.get("host"), urlsplit(self.services.settings.url).netloc}
        return is_same_origin(request.headers, [host for host in hosts if host])

    @property
    def _base_path(self) -> str:
        return self.services.settings.base_path


def local_path(text: str, base_path: str) -> str:
    """Return `text` if it is a path of this server, else the path of its first page."""
    home = f"{base_path}/"
    plain = text.isprintable() and not {" ", "\\"} & set(text)
    return text if plain and text.startswith(home) and not text.startswith("//") else home


def is_same_origin(headers: Mapping[str, str], hosts: Collection[str]) -> bool:
    """Return whether a browser says that a form was sent from a page of one of `hosts`.

    Return False if it says nothing: every browser sends one of the two headers
    (https://www.w3.org/TR/fetch-metadata/, https://fetch.spec.whatwg.org/#origin-header).
    """
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = headers.get("origin", "")
    return any(origin in (f"https://{host}", f"http://{host}") for host in hosts)
