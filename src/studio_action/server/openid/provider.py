"""The identity provider that people log in with, and what its discovery document says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from studio_action.errors import StudioActionError, UnexpectedAnswer, Unreachable
from studio_action.server.token_exchange.issuers import TrustedIssuer, is_safe

FRESH = 3600.0
"""The seconds after which the document is read again."""
PAUSE = 10.0
"""The seconds without another request after one that failed."""
_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class LogInSettings:
    """The provider as an `issuer` with its rules, and what it knows this server by.

    The issuer's name is what the button says. `client_secret` is '' for a public client.
    """

    issuer: TrustedIssuer
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "email")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where people are sent, where codes are exchanged, and how this server identifies there.

    `names_itself` if each answer of the provider has its `iss` (RFC 9207).
    """

    authorization: str
    token: str
    auth_method: str
    names_itself: bool


def read_endpoints(settings: LogInSettings, document: Mapping[str, Any]) -> Endpoints:
    """Return what a discovery document says; raise `UnexpectedAnswer` if it cannot be used."""
    found = [document.get(name) for name in ("authorization_endpoint", "token_endpoint")]
    authorization, token = (url if isinstance(url, str) and is_safe(url) else "" for url in found)
    if not authorization or not token:
        raise UnexpectedAnswer(
            f"the discovery document of {settings.issuer.url} names no https"
            " authorization_endpoint and token_endpoint"
        )
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(authorization, token, _auth_method(settings, document), names_itself)


def _auth_method(settings: LogInSettings, document: Mapping[str, Any]) -> str:
    """Return the way to send the client's secret: the first that both sides know."""
    if not settings.client_secret:
        return "none"
    # Without the entry, it is the basic one (OpenID Connect Discovery, section 3).
    known = document.get("token_endpoint_auth_methods_supported", _AUTH_METHODS[:1])
    for method in _AUTH_METHODS:
        if isinstance(known, (list, tuple)) and method in known:
            return method
    raise UnexpectedAnswer(
        f"{settings.issuer.url} accepts a client's secret in none of the ways"
        f" {' and '.join(_AUTH_METHODS)}"
    )


class Provider:
    """The endpoints of the provider, as this process knows them; safe to use from any thread.

    `read` returns the discovery document of an issuer's URL, and `now` returns seconds.
    """

    def __init__(
        self,
        settings: LogInSettings,
        read: Callable[[str], Mapping[str, Any]],
        now: Callable[[], float],
    ) -> None:
        self._settings, self._read, self._now = settings, read, now
        self._known: Endpoints | None = None
        self._due, self._lock = -math.inf, Lock()

    def endpoints(self) -> Endpoints:
        """Return the endpoints, known ones while the provider is down.

        Raise `Unreachable` or `UnexpectedAnswer` if they were never read.
        """
        with self._lock:
            if self._now() >= self._due:
                self._renew()
            if self._known is None:
                raise Unreachable(f"{self._settings.issuer.url} was unavailable a moment ago")
            return self._known

    def _renew(self) -> None:
        self._due = self._now() + PAUSE
        try:
            self._known = read_endpoints(self._settings, self._read(self._settings.issuer.url))
        except StudioActionError:
            if self._known is None:
                raise
            return
        self._due = self._now() + FRESH
