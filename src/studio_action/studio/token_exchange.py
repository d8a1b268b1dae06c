"""The token that a job gets for its ID token, with no stored secret.

The package `id` also finds the ID tokens of jobs. It is not used: it has its own connection, which
knows neither our proxies and certificate authorities nor our retries and the deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin

from studio_action.ci import id_token as id_tokens
from studio_action.ci.id_token import GivenIdToken, IdToken, IdTokenRequest, IdTokenSource
from studio_action.errors import TokenRefused
from studio_action.net.clock import Clock
from studio_action.net.http_client import Call, HttpClient, Peer, Response
from studio_action.studio import oauth
from studio_action.studio.oauth import AccessToken, AuthorizationServer, Scope
from studio_action.text import human_time, redact

MARGIN = 30.0
"""Seconds before its end that a token is renewed, where it can be."""


@dataclass(slots=True)
class TokenExchange:
    """Tokens of the server at `base` (with a final slash) for ID tokens of `source`.

    They have `scope`, or all that the server gives if that is None.

    `connect` opens connections; `mask` gets each secret at once, and `say` a line for each
    exchange. `advice` says how a job gets an ID token that is for the server.
    """

    base: str
    source: IdTokenSource
    scope: Scope | None
    connect: Callable[[Peer], HttpClient]
    clock: Clock
    mask: Callable[[str], None]
    say: Callable[[str], None]
    advice: str = ""
    _server: AuthorizationServer | None = field(default=None, init=False, repr=False)
    _token: AccessToken | None = field(default=None, init=False, repr=False)
    _ends: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        match self.source:
            case GivenIdToken(found):
                self.mask(found.text)
            case IdTokenRequest() as request:
                self.mask(request.token)

    def token(self) -> str:
        """Return a token that is valid now; exchange an ID token if there is none, or no longer.

        Raises `TokenRefused`, `BadInput` where the server has no exchange, `Unreachable`,
        `UnexpectedAnswer` or `DeadlinePassed`.
        """
        now = self.clock.now()
        if self._token is not None and now < self._ends:
            return self._token.text
        if self._token is not None and isinstance(self.source, GivenIdToken):
            raise TokenRefused(
                f"the token for the ID token in {self.source.origin} has expired after"
                f" {human_time(self._token.lifetime)}, and an ID token is accepted once",
                "Download less at once (include), or give a token that is valid for longer",
            )
        made = self.exchange()
        margin = MARGIN if isinstance(self.source, IdTokenRequest) else 0.0
        self._token, self._ends = made, now + max(made.lifetime - margin, made.lifetime / 2)
        return made.text

    def server(self) -> AuthorizationServer:
        """Return what the server says of its exchange; it is requested once."""
        if self._server is None:
            self._server = request_server(self.base, self.connect)
        return self._server

    def id_token(self) -> IdToken:
        """Return an ID token for the server; raise `TokenRefused` if the server cannot take it."""
        server = self.server()
        match self.source:
            case GivenIdToken(found, chosen=chosen):
                pass
            case IdTokenRequest() as request:
                found, chosen = self._requested(request, server.audience), False
        oauth.check_issuer(found, server)
        if not chosen:
            oauth.check_audience(found, server, self.advice)
        return found

    def exchange(self) -> AccessToken:
        """Return a new token, which is masked."""
        server, sent = self.server(), list[IdToken]()

        def call() -> Call:
            """Make the call with another ID token each time, if the job can have several."""
            sent.append(self.id_token())
            form = oauth.exchange_form(sent[-1], self.scope)
            repeatable = isinstance(self.source, IdTokenRequest)
            return Call("POST", server.token_endpoint, form=form, repeatable=repeatable)

        answer = _send(_studio(self.base), call, self.connect)
        made = oauth.read_access_token(answer, sent[-1], server)
        self.mask(made.text)
        self.say(
            f"Keyless: {redact(self.base)} gave a token for {human_time(made.lifetime)}"
            f" for the ID token of {sent[-1].issuer}"
        )
        return made

    def _requested(self, request: IdTokenRequest, audience: str) -> IdToken:
        headers = {"Authorization": f"bearer {request.token}"}
        call = Call("GET", request.url_for(audience), headers)
        peer = Peer("The CI system's URL for ID tokens", request.url, request.origin)
        answer = _send(peer, lambda: call, self.connect)
        found = id_tokens.read_answer(answer.status, answer.body, request.origin)
        self.mask(found.text)
        return found


def request_server(base: str, connect: Callable[[Peer], HttpClient]) -> AuthorizationServer:
    """Return what the server at `base` (with a final slash) says of its token exchange.

    Raises `BadInput` if it has none, `Unreachable`, `UnexpectedAnswer` or `DeadlinePassed`.
    """
    call = Call("GET", urljoin(base, oauth.SERVER_DOCUMENT))
    return oauth.read_server(_send(_studio(base), lambda: call, connect), base)


def _send(peer: Peer, call: Callable[[], Call], connect: Callable[[Peer], HttpClient]) -> Response:
    client = connect(peer)
    try:
        return client.send(call)
    finally:
        client.close()


def _studio(base: str) -> Peer:
    return Peer("Studio", base, "studio-url")
