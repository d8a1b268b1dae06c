"""Logs people in with their identity provider: the answer of the provider becomes a token.

https://openid.net/specs/openid-connect-core-1_0.html, section 3.1; what has to be checked besides:
https://www.rfc-editor.org/rfc/rfc9700.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from studio_action.net.network import Network
from studio_action.server.access import Token
from studio_action.server.db.id_tokens import UsedIdTokens
from studio_action.server.db.tokens import Tokens
from studio_action.server.log import Log
from studio_action.server.openid.attempts import Attempt
from studio_action.server.openid.code_flow import CodeFlow, CodeRefused
from studio_action.server.openid.provider import LogInSettings, Provider
from studio_action.server.token_exchange.discovery import Discovery
from studio_action.server.token_exchange.exchange import fitting_rule, telling, verify
from studio_action.server.token_exchange.id_token import BadIdToken, IdToken, UnverifiedToken
from studio_action.server.token_exchange.issuer_http import IssuerHttp
from studio_action.server.token_exchange.key_cache import KeyCache
from studio_action.server.token_exchange.rules import text_of
from studio_action.text import printable

LIFETIME = timedelta(hours=12)
"""How long the token of a log-in is valid: as long as the session."""
CALLBACK = "/login/callback"
"""The path below the server's URL that the provider sends people back to."""
_LONGEST_NAME = 200
_NAMED_BY = ("email", "preferred_username", "sub")
_TELLING = ("sub", "aud", "email", "preferred_username", "name")
"""The claims that a token keeps, besides those of its rule."""
_CODE = re.compile(r"[\x20-\x7e]{1,4096}")
_ERROR = re.compile(r"[a-z_]{1,60}")
_AGAIN = "Log in again."


class BadLogIn(Exception):
    """The log-in is refused; the message says why, for the person."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """Log-ins at one provider; safe to use from any thread."""

    settings: LogInSettings
    provider: Provider
    flow: CodeFlow
    keys: KeyCache
    tokens: Tokens
    used: UsedIdTokens

    @property
    def name(self) -> str:
        """The provider's name, as people know it."""
        return self.settings.issuer.name

    def address(self, attempt: Attempt) -> str:
        """Return the URL at the provider where an attempt goes on.

        Raise `Unreachable` or `UnexpectedAnswer` if the provider fails.
        """
        return self.flow.address(self.provider.endpoints(), attempt)

    def finish(self, attempt: Attempt, answer: Iterable[tuple[str, str]]) -> Token:
        """Return a new token for the person; `answer` is the query that the provider sent.

        Raise `BadLogIn`, or `Unreachable` or `UnexpectedAnswer` if the provider or the database
        fails.
        """
        if not self.used.use(attempt.identity, attempt.expires):
            raise BadLogIn(f"This log-in was finished before. {_AGAIN}")
        code = self._code(list(answer))
        try:
            text = self.flow.exchange(self.provider.endpoints(), attempt, code)
            return self._token(self._verified(text, attempt))
        except CodeRefused:
            raise BadLogIn(f"{self.name} does not accept this log-in any more. {_AGAIN}") from None
        except BadIdToken as error:
            raise BadLogIn(f"The log-in is refused: {error}.") from None

    def gave(self, token: Token) -> bool:
        """Return whether a log-in made the token, so that nobody else has its text."""
        audience = (token.claims or {}).get("aud")
        return token.issuer == self.settings.issuer.url and audience == self.settings.client_id

    def _code(self, answer: list[tuple[str, str]]) -> str:
        """Return the code of the provider's answer; raise `BadLogIn` if it has none for us."""
        fields = dict(answer)
        if len(fields) < len(answer):
            raise BadLogIn(f"The answer of {self.name} has a parameter twice. {_AGAIN}")
        named = self.provider.endpoints().names_itself
        if fields.get("iss", "" if named else self.settings.issuer.url) != self.settings.issuer.url:
            raise BadLogIn(f"The answer is not one of {self.name} (iss). {_AGAIN}")  # RFC 9207
        if "error" in fields:
            raise BadLogIn(_words(self.name, fields["error"]))
        if not _CODE.fullmatch(fields.get("code", "")):
            raise BadLogIn(f"The answer of {self.name} has no code. {_AGAIN}")
        return fields["code"]

    def _verified(self, text: str, attempt: Attempt) -> IdToken:
        issuer, unverified = self.settings.issuer, UnverifiedToken.parse(text)
        if unverified.issuer != issuer.url:
            raise BadIdToken("the ID token is of another issuer")
        verified = verify(unverified, issuer, self.keys, self.tokens.now())
        nonce = verified.claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode("utf-8", "replace"), attempt.nonce.encode()
        ):
            raise BadIdToken("the ID token is of another log-in (nonce)")
        if verified.claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise BadIdToken("the ID token was made for another client (azp)")
        if not self.used.use(verified.identity, verified.expires):
            raise BadIdToken("the ID token was used before")
        return verified

    def _token(self, verified: IdToken) -> Token:
        issuer, known = (
            self.settings.issuer,
            IdToken(_without_unproved(verified.claims), verified.expires, verified.identity),
        )
        try:
            rule = fitting_rule(issuer, known.claims, f"you at {self.name}", in_lists=True)
        except BadIdToken as error:
            if "email" in verified.claims and "email" not in known.claims:
                raise BadIdToken(f"{error}; {self.name} has not verified your e-mail") from None
            raise
        names = (text_of(known.claims.get(each)) for each in _NAMED_BY)
        _, token = self.tokens.create(
            printable(next(filter(None, names), "somebody"), _LONGEST_NAME),
            scopes=rule.scopes,
            teams=rule.teams,
            repositories=rule.repositories,
            all_repositories=rule.all_repositories,
            expires=self.tokens.now() + LIFETIME,
            issuer=issuer.url,
            claims={**telling(rule, known, _TELLING), "aud": self.settings.client_id},
        )
        return token


def _without_unproved(claims: Mapping[str, object]) -> Mapping[str, object]:
    """Return the claims without an e-mail that anybody could have typed in.

    OpenID Connect Core, section 5.1: it is theirs only if `email_verified` is true.
    """
    if text_of(claims.get("email_verified")) == "true":
        return claims
    return {name: value for name, value in claims.items() if name != "email"}


def _words(name: str, error: str) -> str:
    if error == "access_denied":
        return f"{name} did not let you in here, or you cancelled the log-in."
    known = error if _ERROR.fullmatch(error) else "an unknown error"
    return f"{name} refused the log-in: {known}."


def make_log_in(
    settings: LogInSettings | None,
    url: str,
    tokens: Tokens,
    network: Network,
    log: Log,
    now: Callable[[], float] = time.monotonic,
) -> LogIn | None:
    """Return the log-in for a server at `url`, None if there is none; `now` returns seconds."""
    if settings is None:
        return None
    discovery = Discovery(network)
    return LogIn(
        settings,
        Provider(settings, discovery.document, now),
        CodeFlow(settings, f"{url}{CALLBACK}", IssuerHttp(network)),
        KeyCache([settings.issuer.url], discovery.keys, now, log),
        tokens,
        UsedIdTokens(tokens.engine, tokens.now),
    )
