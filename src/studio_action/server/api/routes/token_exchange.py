"""The endpoints by which jobs without a stored token get one: RFC 8414 and RFC 8693."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, get_args
from urllib.parse import parse_qsl

from anyio import CapacityLimiter, to_thread
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from studio_action.errors import StudioActionError
from studio_action.server.access import Token
from studio_action.server.api.documents import (
    AuthorizationServer,
    ExchangedToken,
    OAuthError,
    failures,
    form_body,
)
from studio_action.server.api.responses import NOT_FOUND, ApiError, document, refused
from studio_action.server.scopes import Scope
from studio_action.server.services import Services
from studio_action.server.token_exchange.exchange import LIFETIME, BadScope, TokenExchange
from studio_action.server.token_exchange.id_token import BadIdToken
from studio_action.text import printable

METADATA = "/.well-known/oauth-authorization-server"
"""Below the server's URL; an issuer with a path has it before its path, too (RFC 8414, 3.1)."""
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
SUBJECT_TOKEN_TYPES = (
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:ietf:params:oauth:token-type:jwt",
)
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_THREADS = 8
"""The exchanges at once; a slow issuer must not take the threads of other requests."""
_RETRY_AFTER = "30"
_REFUSED = "id-token"
"""What logs and metrics call a refused exchange."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """The endpoint `/api/oauth/token` and the document that says where it is.

    Both answer 404 if the configuration has no trusted issuer.
    """

    services: Services
    threads: CapacityLimiter

    @classmethod
    def of(cls, services: Services) -> TokenEndpoint:
        """Return the endpoints with threads of their own."""
        return cls(services, CapacityLimiter(_THREADS))

    def routes(self) -> list[APIRoute]:
        """Return the routes with their OpenAPI descriptions."""
        return [
            APIRoute(
                METADATA,
                self.metadata,
                operation_id="oauth_authorization_server",
                tags=["Tokens"],
                summary="Where and how a job's ID token is exchanged for a token",
                responses={200: {"model": AuthorizationServer}, **failures(404, 429)},
            ),
            APIRoute(
                "/api/oauth/token",
                self.exchange,
                methods=["POST"],
                operation_id="exchange_token",
                tags=["Tokens"],
                summary="Exchange the ID token of a CI job for a token",
                responses={
                    200: {"model": ExchangedToken},
                    400: {"model": OAuthError, "description": "The exchange is refused."},
                    503: {"model": OAuthError, "description": "The issuer cannot be reached."},
                    **failures(404, 408, 413, 429),
                },
                openapi_extra=form_body(
                    {
                        "grant_type": {"type": "string", "enum": [GRANT_TYPE]},
                        "subject_token": {"type": "string", "description": "The ID token."},
                        "subject_token_type": {
                            "type": "string",
                            "enum": list(SUBJECT_TOKEN_TYPES),
                        },
                        "scope": {"type": "string", "description": "Scopes to be given, of more."},
                        "requested_token_type": {"type": "string", "enum": [ACCESS_TOKEN]},
                    },
                    required=["grant_type", "subject_token", "subject_token_type"],
                ),
            ),
        ]

    async def metadata(self, request: Request) -> Response:
        """Return what a client has to know for an exchange; it is no secret."""
        exchange, url = self._exchange(), self.services.settings.url
        return document(
            AuthorizationServer(
                issuer=url,
                token_endpoint=f"{url}/api/oauth/token",
                grant_types_supported=[GRANT_TYPE],
                scopes_supported=list(get_args(Scope)),
                token_endpoint_auth_methods_supported=["none"],
                subject_token_types_supported=list(SUBJECT_TOKEN_TYPES),
                id_token_audience=url,
                trusted_issuers=[each.url for each in exchange.issuers],
            )
        )

    async def exchange(self, request: Request) -> Response:
        """Give a token that lives 15 minutes, with the access of the first rule that fits."""
        exchange = self._exchange()
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await request.body()
        try:
            wanted = _Requested.parse(content_type, body, self.services.settings.url)
            text, token = await to_thread.run_sync(
                exchange.exchange, wanted.id_token, wanted.scopes, limiter=self.threads
            )
        except BadIdToken as error:
            request.state.refused = _REFUSED
            raise _error("invalid_request", str(error)) from None
        except BadScope as error:
            request.state.refused = _REFUSED
            raise _error("invalid_scope", str(error)) from None
        except ApiError:
            request.state.refused = _REFUSED
            raise
        except StudioActionError as error:
            request.state.refused = _REFUSED
            self.services.log("an exchange failed", level="warning", error=str(error))
            raise _error("temporarily_unavailable", error.message, 503) from None
        request.state.token = token
        return document(_answer(text, token))

    def _exchange(self) -> TokenExchange:
        if self.services.openid.exchange is None:
            raise refused(404, NOT_FOUND)
        return self.services.openid.exchange


def _answer(text: str, token: Token) -> ExchangedToken:
    return ExchangedToken(
        access_token=text,
        issued_token_type=ACCESS_TOKEN,
        token_type="Bearer",
        expires_in=round(LIFETIME.total_seconds()),
        scope=" ".join(sorted(token.scopes)),
    )


@dataclass(frozen=True, slots=True)
class _Requested:
    """What a request asks for."""

    id_token: str
    scopes: frozenset[str]

    @classmethod
    def parse(cls, content_type: str, body: bytes, url: str) -> _Requested:
        """Return the parsed request; raise `ApiError` with the error of RFC 6749, section 5.2."""
        fields = _fields(content_type, body)
        if fields.get("grant_type") != GRANT_TYPE:
            raise _error("unsupported_grant_type", f"grant_type must be {GRANT_TYPE}")
        if fields.get("subject_token_type") not in SUBJECT_TOKEN_TYPES:
            _refuse(f"subject_token_type must be {' or '.join(SUBJECT_TOKEN_TYPES)}")
        if fields.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            _refuse(f"requested_token_type must be {ACCESS_TOKEN}")
        if unsupported := {"actor_token", "actor_token_type"} & fields.keys():
            _refuse(f"{min(unsupported)} is not supported")
        if {fields.get(name, url).rstrip("/") for name in ("audience", "resource")} != {url}:
            raise _error("invalid_target", f"tokens of this server are for {url} only")
        if not fields.get("subject_token"):
            _refuse("subject_token, the ID token, is missing")
        return cls(fields["subject_token"], frozenset(fields.get("scope", "").split()))


def _fields(content_type: str, body: bytes) -> Mapping[str, str]:
    """Return the fields of a form; raise `ApiError` for another body, or a field given twice."""
    if content_type != _FORM:
        _refuse(f"the content type of the request must be {_FORM}")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), True, True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        _refuse("the body of the request is not a form")
    fields = dict(pairs)
    if len(fields) < len(pairs):
        _refuse("a parameter is given twice")
    return fields


def _refuse(description: str) -> NoReturn:
    raise _error("invalid_request", description)


def _error(code: str, description: str, status: int = 400) -> ApiError:
    body = {"error": code, "error_description": printable(description, 1000)}
    headers = {"Cache-Control": "no-store"}
    return ApiError(
        status, body, {**headers, "Retry-After": _RETRY_AFTER} if status >= 500 else headers
    )
