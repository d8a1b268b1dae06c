"""Token exchange: what our own server says of it, what is sent, and what an answer means. Pure.

The server's document is RFC 8414's, with `id_token_audience` and `trusted_issuers` besides; the
exchange is RFC 8693's. A server says for whom an ID token is to be made. If any name would do, a
server could get ID tokens that are good for somebody else, such as a cloud: so it has to be a URL
of that server itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from studio_action.ci.id_token import IdToken
from studio_action.errors import (
    BadInput,
    StudioActionError,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.net import bounded_json
from studio_action.net.http_client import Response
from studio_action.net.origin import same_origin
from studio_action.text import first_few, printable, redact

SERVER_DOCUMENT = ".well-known/oauth-authorization-server"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"

Scope = Literal["model-registry", "project"]
"""What a token allows: reading models, or creating projects."""

_TOKEN = re.compile(r"[!-~]{1,16384}")
_USED = re.compile(r"(already|was) used|used before", re.IGNORECASE)
_SHOWN = 5
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """A server at `base` that exchanges ID tokens which have `audience` as their `aud`.

    `trusted_issuers` are those of ID tokens; empty if the server does not tell.
    """

    base: str
    token_endpoint: str
    audience: str
    scopes: tuple[str, ...]
    trusted_issuers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token of the server; `lifetime` in seconds."""

    text: str = field(repr=False)
    lifetime: float
    scopes: tuple[str, ...]


def read_server(answer: Response, base: str) -> AuthorizationServer:
    """Return what the server at `base` (with a final slash) says of its token exchange.

    Raises `BadInput` if it has none, `Unreachable`, and `UnexpectedAnswer` for a document that
    cannot be its own.
    """
    if answer.status == 404:
        raise _not_offered(base)
    if answer.status >= 500 or answer.status in (408, 425, 429):
        raise Unreachable(f"Studio answered {answer.status} to {answer.url}", "Try again later")
    document = _object(answer)
    if answer.status != 200 or document is None:
        raise UnexpectedAnswer(
            f"Studio answered {answer.status} to {answer.url}, but with no JSON object",
            "Give a token, if this is DVC Studio; else check studio-url",
        )
    if TOKEN_EXCHANGE not in _texts(document, "grant_types_supported"):
        raise _not_offered(base)
    return AuthorizationServer(
        base,
        _own_url(document, "token_endpoint", base),
        _own_url(document, "id_token_audience", base),
        _texts(document, "scopes_supported"),
        _texts(document, "trusted_issuers"),
    )


def _not_offered(base: str) -> BadInput:
    return BadInput(
        f"input token is missing, and {redact(base)} does not exchange ID tokens",
        "Give a token; on a server of one's own, trusted-issuers in its configuration offers it",
    )


def _own_url(document: dict[str, Any], name: str, base: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not same_origin(url, base):
        shown = printable(redact(url) if isinstance(url, str) else "nothing", _LONGEST)
        raise UnexpectedAnswer(
            f"{redact(base)} names {shown} as its {name}, which is not on this server",
            "Write studio-url as the server itself does (its entry url), or give a token",
        )
    return url


def _texts(document: dict[str, Any], name: str) -> tuple[str, ...]:
    found = document.get(name)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def check_issuer(id_token: IdToken, server: AuthorizationServer) -> None:
    """Raise `TokenRefused` if the server says that it does not trust the ID token's issuer."""
    issuers = [each.rstrip("/") for each in server.trusted_issuers]
    if issuers and id_token.issuer.rstrip("/") not in issuers:
        issuer = printable(id_token.issuer, _LONGEST)
        trusted = printable(first_few(issuers, _SHOWN), _LONGEST)
        raise TokenRefused(
            f"{redact(server.base)} does not trust the issuer {issuer} of this job's ID token",
            f"It trusts {trusted}. Add the issuer to its trusted-issuers, or give a token",
        )


def check_audience(id_token: IdToken, server: AuthorizationServer, advice: str) -> None:
    """Raise `TokenRefused` if the ID token is for another server, which would believe this one.

    `advice` says how the job gets one that is for the server.
    """
    if server.audience not in id_token.audiences:
        audiences = printable(first_few(id_token.audiences, _SHOWN), _LONGEST)
        raise TokenRefused(
            f"the job's ID token is for {audiences}, and not for {server.audience}, so it is not"
            " sent there",
            advice or "Make one with that aud",
        )


def exchange_form(id_token: IdToken, scope: Scope | None) -> dict[str, str]:
    """Return the form of the exchange (RFC 8693, section 2.1); None for every scope there is."""
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": id_token.text,
        "subject_token_type": ID_TOKEN_TYPE,
    }
    return {**form, "scope": scope} if scope else form


def read_access_token(
    answer: Response, id_token: IdToken, server: AuthorizationServer
) -> AccessToken:
    """Return the token in the answer (RFC 8693, section 2.2.1).

    Raises `TokenRefused` with the server's reason, `Unreachable` or `UnexpectedAnswer`.
    """
    document = _object(answer) or {}
    if answer.status != 200:
        raise _refusal(answer, document, id_token, server)
    match document:
        case {"access_token": str(text), "token_type": str(kind), "expires_in": int(lifetime)}:
            if kind.lower() == "bearer" and _TOKEN.fullmatch(text) and lifetime > 0:
                scopes = document.get("scope")
                names = tuple(scopes.split()) if isinstance(scopes, str) else ()
                return AccessToken(text, lifetime, names)
    raise UnexpectedAnswer(
        f"{redact(server.token_endpoint)} answered without a token", "Look at the server's log"
    )


def _refusal(
    answer: Response,
    document: dict[str, Any],
    id_token: IdToken,
    server: AuthorizationServer,
) -> StudioActionError:
    """Return the error for an exchange that failed (RFC 6749, section 5.2)."""
    code, reason = (_text(document, name) for name in ("error", "error_description"))
    told = reason or code
    if answer.status >= 500 or answer.status in (408, 425, 429):
        said = f"Studio answered {answer.status} to the exchange of an ID token"
        return Unreachable(f"{said}: {told}" if told else said, "Try again later")
    if not code:
        return UnexpectedAnswer(
            f"{redact(server.token_endpoint)} answered {answer.status} without a reason",
            "Check that no proxy or login page is in between",
        )
    issuer = printable(id_token.issuer, _LONGEST)
    said = f"{redact(server.base)} refused the ID token of {issuer}: {told}"
    if _USED.search(reason):
        return TokenRefused(
            said,
            "An ID token is accepted once: give each command its own, on GitLab under `id_tokens`",
        )
    return TokenRefused(
        said,
        "Correct the job, or the rules of trusted-issuers in the server's configuration;"
        " `studio-action doctor --server` shows each step",
    )


def _text(document: dict[str, Any], name: str) -> str:
    text = document.get(name)
    return printable(text, _LONGEST) if isinstance(text, str) else ""


def _object(answer: Response) -> dict[str, Any] | None:
    try:
        document = bounded_json.read(answer.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
