"""OAuth's part of a log-in, by Authlib: where to send people, and what their code is good for.

Authlib makes the requests' parameters and reads the answers. `IssuerHttp` sends them, because a
library's own session knows neither the server's proxies and certificates nor an end of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.server.openid.attempts import Attempt
from studio_action.server.openid.provider import Endpoints, LogInSettings
from studio_action.server.token_exchange.issuer_http import Answer, IssuerHttp

if TYPE_CHECKING:
    from authlib.oauth2.client import OAuth2Client

_LATE = ("invalid_grant", "expired_token")


class CodeRefused(Exception):
    """The provider does not take the code: it was used, is too old, or is of another log-in."""


@dataclass(frozen=True, slots=True)
class CodeFlow:
    """The code flow with PKCE (RFC 6749, section 4.1; RFC 7636) of this server at a provider."""

    settings: LogInSettings
    redirect_uri: str
    http: IssuerHttp

    def address(self, endpoints: Endpoints, attempt: Attempt) -> str:
        """Return the URL at the provider that a browser is sent to."""
        url, _ = self._client(endpoints).create_authorization_url(
            endpoints.authorization,
            state=attempt.state,
            nonce=attempt.nonce,
            code_verifier=attempt.verifier,
        )
        return str(url)

    def exchange(self, endpoints: Endpoints, attempt: Attempt, code: str) -> str:
        """Return the ID token for a code.

        Raise `CodeRefused`, or `Unreachable` or `UnexpectedAnswer` if the provider fails.
        """
        from authlib.oauth2.base import OAuth2Error  # it takes its time, and few servers use it

        client = self._client(endpoints)
        try:
            answer = client.fetch_token(
                endpoints.token,
                grant_type="authorization_code",
                code=code,
                redirect_uri=self.redirect_uri,
                code_verifier=attempt.verifier,
            )
        except OAuth2Error as error:
            if error.error in _LATE:
                raise CodeRefused from None
            raise self._unexpected("refused this server's own client-id or client-secret") from None
        except (ValueError, TypeError, AttributeError):
            raise self._unexpected("did not answer as a token endpoint does") from None
        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            raise self._unexpected("gave no ID token: is openid among the scopes?")
        return id_token

    def _client(self, endpoints: Endpoints) -> OAuth2Client:
        from authlib.oauth2.client import OAuth2Client

        return OAuth2Client(
            _Wire(self.http),
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            token_endpoint_auth_method=endpoints.auth_method,
            scope=" ".join(self.settings.scopes),
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )

    def _unexpected(self, what: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self.settings.issuer.url} {what}")


@dataclass(frozen=True, slots=True)
class _Wire:
    """What Authlib sends with, instead of a session of its own."""

    http: IssuerHttp

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> Any:
        """Send a form; `auth` adds the client's id and secret."""
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Response(self.http.post(url, headers, body))


@dataclass(frozen=True, slots=True)
class _Response:
    """The answer as Authlib reads it."""

    answer: Answer

    @property
    def status_code(self) -> int:
        """The status."""
        return self.answer.status

    def raise_for_status(self) -> None:
        """Raise `Unreachable` for an error."""
        if self.answer.status >= HTTPStatus.BAD_REQUEST:
            raise Unreachable(f"{self.answer.url} answered {self.answer.status}")

    def json(self) -> Any:
        """Return the body's value; raise `UnexpectedAnswer` if it is not JSON."""
        return self.answer.json()
