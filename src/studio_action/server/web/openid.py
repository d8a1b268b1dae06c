"""The way to the identity provider and back: the pages of a log-in without a token."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from studio_action.errors import StudioActionError
from studio_action.server.openid import attempts
from studio_action.server.openid.attempts import Attempt
from studio_action.server.openid.log_in import CALLBACK, BadLogIn, LogIn
from studio_action.server.services import Services
from studio_action.server.web.login import Login, local_path
from studio_action.server.web.rendering import HEADERS

_THREADS = 8
"""The log-ins at once; a slow provider must not take the threads of other pages."""
_MOST_FIELDS = 20
_REFUSED = "log-in"
"""What logs and metrics call a refused log-in."""


@dataclass(frozen=True, slots=True)
class OpenIdPages:
    """`/login/oidc`, which leads to the provider, and `/login/callback`, to which it leads back.

    Both answer 404 if the configuration has no `log-in`.
    """

    services: Services
    login: Login
    threads: CapacityLimiter

    @classmethod
    def of(cls, services: Services, login: Login) -> OpenIdPages:
        """Return the pages with threads of their own."""
        return cls(services, login, CapacityLimiter(_THREADS))

    def routes(self) -> list[Route]:
        """Return the routes, which browsers follow links to."""
        return [
            Route("/login/oidc", self.begin, methods=["GET"]),
            Route(CALLBACK, self.finish, methods=["GET"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Lead to the provider; a cookie keeps what this browser's log-in is known by."""
        return await to_thread.run_sync(self._begin, request, limiter=self.threads)

    async def finish(self, request: Request) -> Response:
        """Start the session of whoever the provider sends back."""
        return await to_thread.run_sync(self._finish, request, limiter=self.threads)

    def _begin(self, request: Request) -> Response:
        log_in, services = self._log_in(), self.services
        next = local_path(request.query_params.get("next", ""), self._base_path)
        random, key = services.tokens.random(32), services.keys.current()
        attempt = Attempt.begin(random, next, key, services.utc())
        try:
            response = RedirectResponse(log_in.address(attempt), 303, HEADERS)
        except StudioActionError as error:
            return self._failed(log_in, next, error)
        lifetime = int(attempts.LIFETIME.total_seconds())
        return self._with_cookie(request, response, attempt.cookie(), lifetime)

    def _finish(self, request: Request) -> Response:
        log_in, attempt = self._log_in(), self._attempt(request)
        if attempt is None:
            # Not counted as a refusal: any site can send a browser here, and so use up the share of
            # everybody at its address.
            return self.login.page("", _unknown(self.services.settings.url), 403)
        try:
            token = log_in.finish(attempt, _fields(request))
        except BadLogIn as error:
            request.state.refused = _REFUSED
            response = self.login.page(attempt.next, str(error), 403)
        except StudioActionError as error:
            response = self._failed(log_in, attempt.next, error)
        else:
            response = self.login.start_session_here(request, token, attempt.next)
        return self._with_cookie(request, response, "", 0)

    def _attempt(self, request: Request) -> Attempt | None:
        """Return the attempt of this very browser that the provider answers; None for another."""
        text = request.cookies.get(attempts.COOKIE, "")
        attempt = attempts.verify(text, self.services.keys.secret, self.services.utc())
        state = [value for name, value in _fields(request) if name == "state"]
        if attempt is None or len(state) != 1:
            return None
        is_same = hmac.compare_digest(state[0].encode("utf-8", "replace"), attempt.state.encode())
        return attempt if is_same else None

    def _failed(self, log_in: LogIn, next: str, error: StudioActionError) -> Response:
        self.services.log("a log-in failed", level="warning", error=str(error))
        words = f"{log_in.name} cannot be asked now. Try again in a minute, or use an access token."
        response = self.login.page(next, words, 503)
        response.headers["Retry-After"] = "60"
        return response

    def _with_cookie(self, request: Request, response: Response, value: str, age: int) -> Response:
        response.set_cookie(
            attempts.COOKIE,
            value,
            max_age=age,
            path=f"{self._base_path}/login",
            secure=self.login.is_secure(request),
            httponly=True,
            samesite="lax",  # the provider leads back here from its own site
        )
        return response

    def _log_in(self) -> LogIn:
        if self.services.openid.log_in is None:
            raise HTTPException(404)
        return self.services.openid.log_in

    @property
    def _base_path(self) -> str:
        return self.services.settings.base_path


def _fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields of the query; none if it has too many."""
    query = request.scope["query_string"].decode("latin-1")
    try:
        return parse_qsl(query, True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []


def _unknown(url: str) -> str:
    return (
        "This log-in was not begun in this browser, or it took longer than ten minutes. Log in"
        f" again at {url}/login; cookies have to be allowed there."
    )
